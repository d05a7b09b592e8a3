"""A survey from nothing to its report and the audits that follow, or from where it was left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditor.core.config import AuditConfig
from auditor.core.progress import Progress, Silence
from auditor.core.records.whole_model import AuditOfPair, WholeModel
from auditor.report.whole_model import whole_model_html, whole_model_json
from auditor.run.audit import new_run
from auditor.run.engines import engine_of
from auditor.run.folder import RunFolder
from auditor.run.stages.report import SURVEY
from auditor.run.survey.audits import audit_leading, stored_audits
from auditor.run.survey.begin import default_folder, open_survey
from auditor.run.survey.numbers import NUMBERS
from auditor.run.survey.pictures_shown import PICTURES

PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class Survey:
    """A finished survey: its result, the audits that followed it, and the folder that holds its report."""

    whole: WholeModel
    audits: tuple[AuditOfPair, ...]
    folder: Path

    @property
    def report(self) -> Path:
        return self.folder / PAGE


def survey(config: AuditConfig, folder: Path | None = None, progress: Progress | None = None) -> Survey:
    """Survey a classifier: every class as the source, every other as the target.

    Args:
        config: as `survey_config` gives it.
        folder: new or empty; None: `default_folder`.
    Raises:
        AuditorError: it could not be made; its message says what to do.
    """
    return continue_survey(new_run(config, folder or default_folder()), config, progress or Silence())


def continue_survey(folder: RunFolder, config: AuditConfig, progress: Progress, audit_top: int = 0) -> Survey:
    """Make what a survey's folder lacks; shards that are there are not measured again.

    Args:
        audit_top: pairs that are audited afterwards, of those that lead; the report is written before, and anew with
            them in it.
    """
    with folder.alone():
        with engine_of(config, progress) as engine:
            run = open_survey(folder, config, progress)
            run.engine = engine
            whole, pictures = run.get(NUMBERS), run.get(PICTURES)
        audits = stored_audits(folder)
        _write(folder, whole, pictures, audits)
        if audit_top:
            audits = audit_leading(run, whole, audit_top)
            _write(folder, whole, pictures, audits)
        return Survey(whole, audits, folder.path)


def _write(folder: RunFolder, whole: WholeModel, pictures: dict[str, bytes], audits: tuple[AuditOfPair, ...]) -> None:
    folder.write_text(PAGE, whole_model_html(whole, pictures, audits))
    folder.write_text(SURVEY, whole_model_json(whole, audits))
