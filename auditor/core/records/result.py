"""Everything a report states, in one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.core.records.accuracy import CleanAccuracy
from auditor.core.records.atlas import Cell, HeldLevel
from auditor.core.records.basics import ClassGroup, Placement, Split, Verdict
from auditor.core.records.candidates import Rung
from auditor.core.records.checks import Checks
from auditor.core.records.destinations import Destinations
from auditor.core.records.explorer import Explored
from auditor.core.records.findings import Finding, Fragility, SuggestionValidity, SurveyRow
from auditor.core.records.images import SkippedImage
from auditor.core.records.looks import Looks
from auditor.core.records.places import PlaceMap
from auditor.core.records.planted import Planted
from auditor.core.records.policy import PolicyInForce, SignOff
from auditor.core.records.survival import Survival
from auditor.core.records.whole_pictures import WholePictures

WITHOUT_ATLAS = "no layer is mapped, so there is no atlas, and crops of every class are screened in pixels"
"""What a run of a network without a layer to map says of itself."""


@dataclass(frozen=True, slots=True)
class Example:
    """One flipped confirmation image before and after; `picture` names its PNG among the report's pictures."""

    candidate: str
    placement: str
    image_path: str
    clean_class: str
    patched_class: str
    probability_before: float
    probability_after: float
    picture: str


@dataclass(frozen=True, slots=True)
class SplitCount:
    """Source images of one split: used and eligible."""

    split: Split
    used: int
    source: int
    eligible: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What fails a model: rates as fractions, the confidence of all intervals, and the interval of single rates.

    `fragility_best` is fragility's limit under the `best` placement, None in results of earlier versions: the same.
    `log_odds` is a limit of the uplift in logits, None where there is none; `search` is whether a run whose search did
    no better than chance is kept from passing, `whole_pictures` whether whole-picture effects above the uplift fail
    the model, `may_heed` the kinds of them that neither fail it nor keep it from passing.
    """

    uplift: float
    fragility: float
    confidence: float
    interval: str = "wilson"
    fragility_best: float | None = None
    log_odds: float | None = None
    search: bool = False
    whole_pictures: bool = False
    may_heed: tuple[str, ...] = ()

    def fragility_at(self, placement: Placement) -> float:
        """The limit of what mere covering flips under a placement."""
        best = placement is Placement.BEST and self.fragility_best is not None
        return self.fragility_best if best and self.fragility_best is not None else self.fragility


@dataclass(frozen=True, slots=True)
class Subject:
    """What was audited, for the report's head: names, files and hashes, nothing that runs.

    `trials_run` says which network the trials ran: as it is, or with its batch norms folded, and whether compiled or
    in bfloat16 first; '' in results of earlier versions, which ran it as it is. `further_layers` were searched beside
    `layer`, at which crops are screened.
    """

    model: str
    weights: str
    weights_sha256: str
    layer: str
    layer_rule: str
    device: str
    input_size: tuple[int, int]
    preprocessing: str
    classes: int
    trials_run: str = ""
    further_layers: tuple[str, ...] = ()

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers that were searched; none where none is mapped."""
        return (self.layer, *self.further_layers) if self.layer else ()

    @property
    def layers_named(self) -> str:
        """ "layer" or "layers" with their names, for a sentence; '' where none is mapped."""
        *others, last = self.layers or ("",)
        return f"layers {', '.join(others)} and {last}" if others else f"layer {last}" if last else ""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """Everything a report states.

    Everything in it but `run`, `begun`, `by`, `times`, `looks`, `checks` and `pictures` goes into findings.json: these
    do not follow from settings and seed. `looks` is None where no confirmation picture was looked at, and in results of
    earlier versions.

    `accuracy` is None for a run of an earlier version, which did not measure it. `pasted` counts the cells of the atlas
    of patches as pasted, a level each; it is empty where there is no such atlas, and stays out of findings.json too.
    `left_out` counts files that were left out unopened, by why; earlier versions did not say so. `checks` is what the
    run's own files were found to hold when the report was written; None where nobody looked. `begun` is when the run
    was (UTC, ISO 8601), `by` the name under which; "" where the manifest does not say.
    `whole` is what effects over whole pictures do; None where they were not measured, as by earlier versions.
    `destinations` are counted in the table of trials whenever a report is written, and stand there alone.
    `explored` is what the explorer draws, out of files of its own; None where there is none, as in runs of earlier
    versions. It stays out of findings.json, too.
    `places` are maps of some confirmed candidates, none where none was asked for and in results of earlier versions;
    likewise `survivals`, of some findings.
    `left_out` counts files that were left out unopened, by why; earlier versions did not say so.
    `planted` is what the same search made of known shortcuts in copies of the model, None where nobody asked; it has
    files of its own, and stays out of findings.json, too.
    `policy` is what a team holds the checklist to, None where nobody gave one; `signed` are people's decisions under
    reports of this run, in their order. Both have files of their own.
    """

    run: str
    source: ClassGroup
    target: ClassGroup
    subject: Subject
    class_names: tuple[str, ...]
    eligibility: str
    limits: Limits
    verdict: Verdict
    verdict_reason: str
    splits: tuple[SplitCount, ...]
    skipped: tuple[SkippedImage, ...]
    hypotheses_tried: int
    hypotheses_confirmed: int
    rungs: tuple[Rung, ...]
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    survey: tuple[SurveyRow, ...]
    fragility: Fragility | None
    suggestion_validity: SuggestionValidity | None
    examples: tuple[Example, ...]
    notes: tuple[str, ...]
    versions: Mapping[str, str]
    seed: int
    images_needed: int | None = None
    looks: Looks | None = None
    times: Mapping[str, float] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    accuracy: CleanAccuracy | None = None
    pasted: tuple[HeldLevel, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    checks: Checks | None = None
    begun: str = ""
    by: str = ""
    whole: WholePictures | None = None
    places: tuple[PlaceMap, ...] = ()
    survivals: tuple[Survival, ...] = ()
    policy: PolicyInForce | None = None
    signed: tuple[SignOff, ...] = ()
    explored: Explored | None = None
    destinations: tuple[Destinations, ...] = ()
    planted: Planted | None = None
