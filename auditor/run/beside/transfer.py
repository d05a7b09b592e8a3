"""Do a run's candidates work on another network? It reads a finished run, measures, and returns; it writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from auditor.candidates.controls import OWN_CONTROLS, own_controls
from auditor.core.config import AuditConfig, build_config, read_values
from auditor.core.errors import AuditorError, ConfigError, ImageError, StoreError
from auditor.core.progress import Progress
from auditor.core.records import (
    AuditResult,
    Candidate,
    ClassGroup,
    Correlation,
    ImageRecord,
    Interval,
    PixelArray,
    Placement,
    Split,
    SurveyRow,
)
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.images.allowed import read_allowed
from auditor.inputs.images.originals import load_original
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.device import choose_device
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.loading import load_classifier
from auditor.run.audit import stored_config
from auditor.run.folder import RunFolder
from auditor.run.stages.report import stored_result
from auditor.run.tables import images_from_table
from auditor.run.unchanged import check_files
from auditor.statistics.intervals import wilson_interval
from auditor.statistics.ranking import rank_correlation
from auditor.trials.grounds import Grounds
from auditor.trials.patch import read_patch
from auditor.trials.placements import Variant, variants_of
from auditor.trials.stand_ins import Control
from auditor.trials.sweep import Sweep, predict_clean

TAKEN = ("model", "preprocessing", "classes", "device")
"""What of the other TOML file counts; pair, pictures, trials and seed are the run's."""


@dataclass(frozen=True, slots=True)
class Count:
    """Flips of eligible pictures with Wilson's interval."""

    flips: int
    eligible: int
    interval: Interval

    @property
    def rate(self) -> float:
        return self.flips / self.eligible


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One candidate on both networks.

    Attributes:
        own: on the run's network; other: on the other one, each on its own eligible pictures.
        control: name of the strongest of the controls made from the candidate's own pixels, on the other network,
            and its flips there; "" and None where the candidate was not confirmed, and so has none.
    """

    candidate: Candidate
    confirmed: bool
    own: Count
    other: Count
    control: str = ""
    control_flips: int | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A run's candidates on another network.

    Attributes:
        rows: suggested and confirmed candidates, those that flip most on the other network first.
        eligible: confirmation pictures that the other network calls source.
        correlation: Spearman's, of flip rates on the run's network with flips on the other one, over the rows.
    """

    own_model: str
    other_model: str
    source: str
    target: str
    placement: Placement
    eligible: int
    rows: tuple[TransferRow, ...]
    correlation: Correlation


def transfer_run(run: RunFolder, model_file: Path, progress: Progress) -> Transfer:
    """Try a finished run's suggested and confirmed candidates on another network.

    The same confirmation pictures are prepared as the other network wants them and count where it calls them source.
    Patches land where they landed in the run, in proportion to the picture.

    Args:
        model_file: a TOML file with [model], and [preprocessing] and [classes] as an audit's; a whole audit will do.
    Raises:
        StoreError: the run is not finished, measured nothing on confirmation pictures, or something changed since it
            was begun.
        ConfigError: the TOML file is malformed, or the network has no class of the source's or target's name.
        ImageError: a picture is gone, or the other network calls none of them source.
    """
    result, own_config = stored_result(run), stored_config(run)
    check_files(run, own_config, progress)
    first = own_config.trials.placements[0]
    if first.by_attribution:
        raise ConfigError(
            f"patches land on another network's pictures where they landed in the run, and '{first}' reads the "
            "attribution of the run's own network; begin a run of the other network"
        )
    run.refuse_damaged(run.matching(("candidates/*", "images.parquet")))
    tried = [row for row in result.survey if row.candidate.suggested or row.confirmed]
    if not tried:
        raise StoreError(f"{run.path} measured no candidate on confirmation pictures, so there is nothing to transfer")
    config = other_config(model_file, own_config)
    loaded = load_classifier(config, choose_device(config.device))
    names = loaded.classifier.class_names
    criterion = TargetCalled(_same_group(result.source, result, names), _same_group(result.target, result, names))
    records = _confirmation(run, result)
    sweep = _sweep(loaded.classifier, criterion, records, own_config, config, progress)
    variants = variants_of(own_config.trials.placements[0], config.trials)
    bench = _Bench(sweep, variants, result.limits.confidence, progress)
    passes = len(tried) + len(OWN_CONTROLS) * sum(row.confirmed for row in tried)
    progress.start("trials on the other network", passes * len(variants) * len(sweep))
    patches = [read_patch(run.path / "candidates" / f"{row.candidate.id}.png") for row in tried]
    flipped = [bench.outcomes(rgba, row.candidate.id) for row, rgba in zip(tried, patches, strict=True)]
    rows = [bench.row(row, rgba, flips) for row, rgba, flips in zip(tried, patches, flipped, strict=True)]
    own_rates = np.array([row.own.rate for row in rows], dtype=np.float64)
    no_baseline = np.zeros(len(sweep))  # ranks stay as they are whatever one control for all does
    return Transfer(
        own_model=own_config.model.name,
        other_model=config.model.name,
        source=result.source.name,
        target=result.target.name,
        placement=own_config.trials.placements[0],
        eligible=len(sweep),
        rows=tuple(sorted(rows, key=lambda row: (-row.other.flips, row.candidate.id))),
        correlation=rank_correlation(
            own_rates, np.stack(flipped).astype(np.float64), no_baseline, result.limits.confidence, config.seed
        ),
    )


def other_config(model_file: Path, own: AuditConfig) -> AuditConfig:
    """The run's configuration with another file's network, preprocessing and classes; pictures are not among it.

    Raises:
        ConfigError: no such file, not TOML, or settings that are none.
    """
    values = read_values(model_file)
    known = set(AuditConfig.model_fields) - set(TAKEN)
    kept = {key: value for key, value in values.items() if key not in known}  # what is unknown is refused by name
    run = own.model_dump(mode="json", include={"source", "target", "seed", "trials", "compute"})
    return build_config({**run, "images": {"all": "."}, **kept}, model_file.resolve().parent, str(model_file))


def transfer_table(transfer: Transfer) -> pa.Table:
    """One row a candidate; rates and bounds are fractions."""
    return pa.Table.from_pylist(
        [
            {
                "candidate": row.candidate.id,
                "name": row.candidate.name,
                "tier": str(row.candidate.tier),
                "origin": str(row.candidate.origin),
                "confirmed": row.confirmed,
                **_columns("own", row.own),
                **_columns("other", row.other),
                "other_control": row.control,
                "other_control_flips": row.control_flips,
            }
            for row in transfer.rows
        ]
    )


def _columns(prefix: str, count: Count) -> dict[str, int | float]:
    return {
        f"{prefix}_flips": count.flips,
        f"{prefix}_eligible": count.eligible,
        f"{prefix}_rate": count.rate,
        f"{prefix}_low": count.interval.low,
        f"{prefix}_high": count.interval.high,
    }


def _same_group(group: ClassGroup, result: AuditResult, names: ClassNames) -> ClassGroup:
    """The other network's classes of the same names."""
    try:
        return ClassGroup(group.name, tuple(map(names.index_of, group.class_names(result.class_names))))
    except AuditorError as problem:
        raise ConfigError(
            f"candidates for {result.source.name} → {result.target.name} need both classes in the other network: "
            f"{problem}; give its class names or aliases under [classes] names"
        ) from problem


def _confirmation(run: RunFolder, result: AuditResult) -> list[ImageRecord]:
    images = images_from_table(run.read_table("images.parquet"))
    return [one for one in images if one.split is Split.CONFIRMATION and one.label in result.source.indices]


def _sweep(
    classifier: Classifier,
    criterion: TargetCalled,
    records: Sequence[ImageRecord],
    own: AuditConfig,
    config: AuditConfig,
    progress: Progress,
) -> Sweep:
    """The confirmation pictures that the other network calls source, as it wants them."""
    progress.start("preparing pictures for the other network", len(records))
    prepared = []
    for record in records:
        prepared.append(classifier.preprocessing.prepare(load_original(record, own)))
        progress.advance()
    pixels: PixelArray = np.stack(prepared)
    progress.start("clean predictions", len(records))
    names = [record.path for record in records]
    clean = predict_clean(classifier, pixels, criterion, config.compute.batch_size, progress, names)
    kept = np.flatnonzero(criterion.eligible(clean.predicted)).tolist()
    if not kept:
        raise ImageError(
            f"{config.model.name} calls none of the {len(records)} confirmation pictures {criterion.source.name!r}, so "
            "no flip can be counted; check its [preprocessing] and [classes]"
        )
    keys = [records[row].key for row in kept]
    return Sweep(
        classifier, criterion, pixels[kept], keys, clean.at(np.array(kept, dtype=np.int64)), config.trials,
        config.seed, names=[names[row] for row in kept],
        grounds=Grounds(read_allowed(own, [records[row] for row in kept], classifier.preprocessing)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where the candidates are measured: pictures and paste rules."""

    sweep: Sweep
    variants: Sequence[Variant]
    confidence: float
    progress: Progress

    def outcomes(self, rgba: PixelArray, identity: str, control: Control | None = None) -> NDArray[np.bool_]:
        return self.sweep.run(rgba, self.variants, identity, self.progress, control).outcomes

    def row(self, row: SurveyRow, rgba: PixelArray, flipped: NDArray[np.bool_]) -> TransferRow:
        """A candidate's counts on both networks, and its strongest control if it was confirmed."""
        identity = row.candidate.id
        controls = own_controls() if row.confirmed else ()
        flips = {one.name: int(self.outcomes(rgba, identity, one).sum()) for one in controls}
        strongest = max(flips, key=lambda name: flips[name], default="")
        own, other = self._count(row.flips, row.eligible), self._count(int(flipped.sum()), len(flipped))
        return TransferRow(row.candidate, row.confirmed, own, other, strongest, flips.get(strongest))

    def _count(self, flips: int, eligible: int) -> Count:
        return Count(flips, eligible, wilson_interval(flips, eligible, self.confidence))
