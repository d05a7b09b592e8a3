"""A finished run's files read again to see whether its report may say what it says. Loads no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from auditor.core.records import Checks, Finding, Repeat, Split
from auditor.run.folder import RunFolder

IMAGES, TRIALS = "images.parquet", "trials.parquet"


def check_files_agree(
    folder: RunFolder, findings: Sequence[Finding], repeat: Repeat | None = None, images_of: RunFolder | None = None
) -> Checks:
    """Look for content that two splits share, and count the findings' flips again.

    Args:
        images_of: the folder whose pictures were used; None: the same.
    """
    pictures, shared = _shared(images_of or folder)
    counted, differing = _counted_again(folder, findings)
    return Checks(pictures, shared, counted, differing, repeat)


def _shared(folder: RunFolder) -> tuple[int | None, tuple[str, ...]]:
    """How many pictures, and the sha256 of content that stands in more than one split."""
    if not folder.has(IMAGES):
        return None, ()
    table = folder.read_table(IMAGES)
    held_by = set(zip(table["sha256"].to_pylist(), table["split"].to_pylist(), strict=True))
    splits = Counter(sha256 for sha256, _ in held_by)
    return len(table), tuple(sorted(sha256 for sha256, held in splits.items() if held > 1))


def _counted_again(folder: RunFolder, findings: Sequence[Finding]) -> tuple[int | None, tuple[str, ...]]:
    if not findings or not folder.has(TRIALS):
        return None, ()
    flips = _flips(folder.read_table(TRIALS))
    differing = [
        one.candidate.id
        for one in findings
        if flips.get((one.candidate.id, str(one.placement))) != (one.flips, one.eligible)
    ]
    return len(findings), tuple(dict.fromkeys(differing))


def _flips(table: pa.Table) -> dict[tuple[str, str], tuple[int, int]]:
    """Candidate and placement to flipped pictures and pictures; a picture flips where any of its variants does.

    Those pictures that the controls were pasted on: where a confirmation ended early, the survey may have seen more.
    """
    there = table.filter(pc.equal(table["split"], str(Split.CONFIRMATION)))
    keys = ["candidate", "placement", "image"]
    with_controls = there.filter(pc.not_equal(there["control"], "")).select(keys).group_by(keys).aggregate([])
    own = there.filter(pc.equal(there["control"], "")).select([*keys, "flip"])
    own = own.join(with_controls, keys, join_type="left semi")
    pictures = own.group_by(keys).aggregate([("flip", "any")])
    counted = pictures.group_by(["candidate", "placement"]).aggregate([("flip_any", "sum"), ("image", "count")])
    return {
        (row["candidate"], row["placement"]): (int(row["flip_any_sum"]), int(row["image_count"]))
        for row in counted.to_pylist()
    }
