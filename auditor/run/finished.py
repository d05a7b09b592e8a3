"""A finished audit in Python: its verdict, its report, and its tables as DataFrames. It loads no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.core.errors import StoreError
from auditor.core.records import AuditResult, Finding, Verdict
from auditor.report import FORMATS
from auditor.report.notebook import notebook_html

if TYPE_CHECKING:  # whoever asks for no table does not wait for pandas
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Audit:
    """A finished audit: its result and the folder that holds its report. It shows itself in a notebook.

    The tables are read anew each time; keep one that is looked at more than once.
    """

    result: AuditResult = field(repr=False)  # it holds every picture of the report
    folder: Path

    @property
    def verdict(self) -> Verdict:
        return self.result.verdict

    @property
    def report(self) -> Path:
        return self.folder / FORMATS["html"].file_name

    @property
    def images(self) -> pd.DataFrame:
        """One row a used picture: key, sha256, path, label, split and size in pixels."""
        return self._table("images.parquet")

    @property
    def cells(self) -> pd.DataFrame:
        """One row a cell of the atlas, with its exemplars and both readings of push, in logits."""
        return self._table("cells.parquet")

    @property
    def candidates(self) -> pd.DataFrame:
        """One row a candidate, with where it comes from and both readings of push, in logits."""
        return self._table("candidates.parquet")

    @property
    def trials(self) -> pd.DataFrame:
        """One row a paste: where, and what the model said before and after."""
        return self._table("trials.parquet")

    @property
    def findings(self) -> pd.DataFrame:
        """One row a confirmed candidate and placement; rates and uplifts are fractions, bounds beside them."""
        import pandas as pd

        return pd.DataFrame([_finding_row(finding) for finding in self.result.findings])

    def _table(self, file: str) -> pd.DataFrame:
        import pandas as pd

        if not (self.folder / file).is_file():
            raise StoreError(f"{self.folder} holds no {file}; this run did not come so far, or the file was moved")
        with (self.folder / file).open("rb") as stream:  # Arrow opens no path that is no UTF-8
            return pd.read_parquet(stream)

    def _repr_html_(self) -> str:
        return notebook_html(self.result)


def _finding_row(finding: Finding) -> dict[str, object]:
    return {
        "candidate": finding.candidate.id,
        "name": finding.candidate.name,
        "origin": str(finding.candidate.origin),
        "tier": str(finding.tier),
        "placement": str(finding.placement),
        "flips": finding.flips,
        "eligible": finding.eligible,
        "rate": finding.rate,
        "rate_low": finding.interval.low,
        "rate_high": finding.interval.high,
        "control": finding.control.name,
        "control_flips": finding.control.flips,
        "uplift": finding.uplift,
        "uplift_low": finding.uplift_interval.low,
        "uplift_high": finding.uplift_interval.high,
        "p_adjusted": finding.p_adjusted,
        "hypotheses": finding.hypotheses,
        "held": finding.held_to_limit,
        "verdict": str(finding.word),
        "reason": finding.reason,
    }
