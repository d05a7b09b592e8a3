"""Where pictures went under each finding's patch, counted in the table of all trials. Loads no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.core.records import Finding, Split
from auditor.core.records.destinations import UNCHANGED, Destination, Destinations
from auditor.run.folder import RunFolder

TRIALS = "trials.parquet"
_COLUMNS = ("image", "split", "candidate", "control", "placement", "clean", "patched", "target_after", "flip")


def destinations(folder: RunFolder, findings: Sequence[Finding]) -> tuple[Destinations, ...]:
    """For each finding the classes that pictures went to; none where the folder holds no table of trials.

    Where a placement may take the best of several, a picture went where the trial took it that flips it, or else comes
    nearest to the target.
    """
    if not findings or not folder.has(TRIALS):
        return ()
    table = folder.read_table(TRIALS).select(list(_COLUMNS))
    wanted = pa.array(sorted({one.candidate.id for one in findings}))
    of_findings = pc.is_in(table["candidate"], value_set=wanted)
    table = table.filter(pc.and_(of_findings, pc.equal(table["split"], str(Split.CONFIRMATION))))
    return tuple(_of(table, one) for one in findings)


def _of(table: pa.Table, finding: Finding) -> Destinations:
    of_both = pc.and_(
        pc.equal(table["candidate"], finding.candidate.id), pc.equal(table["placement"], str(finding.placement))
    )
    own = table.filter(of_both)
    beside = own.filter(pc.equal(own["control"], finding.control.name))
    # where a confirmation ended early, the survey may have pasted the patch on more pictures
    both = own.filter(pc.is_in(own["image"], value_set=pc.unique(beside["image"])))
    patched = _where(both.filter(pc.equal(both["control"], "")))
    covered = _where(beside)
    order = sorted({*patched, *covered}, key=lambda index: (-patched[index], -covered[index], index))
    return Destinations(
        finding.candidate.id,
        str(finding.placement),
        patched.total(),
        tuple(Destination(index, patched[index], covered[index]) for index in order),
    )


def _where(table: pa.Table) -> Counter[int]:
    """How many pictures went to each class, or stayed."""
    columns = {name: table[name].to_numpy() for name in ("image", "clean", "patched", "target_after", "flip")}
    order = np.lexsort((-columns["target_after"], ~columns["flip"], columns["image"]))
    _, first = np.unique(columns["image"][order], return_index=True)
    clean, patched = (columns[name][order][first] for name in ("clean", "patched"))
    return Counter(np.where(clean == patched, UNCHANGED, patched).tolist())
