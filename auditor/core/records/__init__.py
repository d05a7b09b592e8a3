"""Frozen records that pass between the stages. They hold values and no behaviour beyond reading them."""

from auditor.core.records.accuracy import (
    CleanAccuracy,
    Confusion,
    Share,
)
from auditor.core.records.atlas import (
    Cell,
    CellLabel,
    CellStability,
    Exemplar,
    by_push,
)
from auditor.core.records.basics import (
    ClassGroup,
    FloatArray,
    IntArray,
    Interval,
    Origin,
    Outputs,
    PixelArray,
    Placement,
    ReviewMark,
    Role,
    Split,
    Step,
    Tier,
    Verdict,
)
from auditor.core.records.candidates import (
    Candidate,
    Review,
    Rung,
)
from auditor.core.records.findings import (
    ControlResult,
    Correlation,
    Effect,
    Finding,
    Fragility,
    GroupMean,
    SuggestionValidity,
    SurveyRow,
)
from auditor.core.records.images import (
    ImagePool,
    ImageRecord,
    SkippedImage,
)
from auditor.core.records.looks import EarlierLook, Looks
from auditor.core.records.result import (
    AuditResult,
    Example,
    Limits,
    SplitCount,
    Subject,
)

__all__ = [
    "AuditResult",
    "Candidate",
    "Cell",
    "CellLabel",
    "CellStability",
    "ClassGroup",
    "CleanAccuracy",
    "Confusion",
    "ControlResult",
    "Correlation",
    "EarlierLook",
    "Effect",
    "Example",
    "Exemplar",
    "Finding",
    "FloatArray",
    "Fragility",
    "GroupMean",
    "ImagePool",
    "ImageRecord",
    "IntArray",
    "Interval",
    "Limits",
    "Looks",
    "Origin",
    "Outputs",
    "PixelArray",
    "Placement",
    "Review",
    "ReviewMark",
    "Role",
    "Rung",
    "Share",
    "SkippedImage",
    "Split",
    "SplitCount",
    "Step",
    "Subject",
    "SuggestionValidity",
    "SurveyRow",
    "Tier",
    "Verdict",
    "by_push",
]
