"""Frozen records that pass between the stages. They hold values and no behaviour beyond reading them."""

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
    PixelArray,
    Placement,
    ReviewMark,
    Split,
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
    "ControlResult",
    "Correlation",
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
    "Origin",
    "PixelArray",
    "Placement",
    "Review",
    "ReviewMark",
    "Rung",
    "SkippedImage",
    "Split",
    "SplitCount",
    "Subject",
    "SuggestionValidity",
    "SurveyRow",
    "Tier",
    "Verdict",
    "by_push",
]
