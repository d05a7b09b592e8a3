"""A survey from nothing to its numbers, or from where it was left."""

from __future__ import annotations

from pathlib import Path

from auditor.core.config import AuditConfig
from auditor.core.progress import Progress, Silence
from auditor.core.records.whole_model import WholeModel
from auditor.run.audit import new_run
from auditor.run.engines import engine_of
from auditor.run.folder import RunFolder
from auditor.run.survey.begin import default_folder, open_survey
from auditor.run.survey.numbers import NUMBERS


def survey(config: AuditConfig, folder: Path | None = None, progress: Progress | None = None) -> WholeModel:
    """Survey a classifier: every class as the source, every other as the target.

    Args:
        config: as `survey_config` gives it.
        folder: new or empty; None: `default_folder`.
    Raises:
        AuditorError: it could not be made; its message says what to do.
    """
    return continue_survey(new_run(config, folder or default_folder()), config, progress or Silence())


def continue_survey(folder: RunFolder, config: AuditConfig, progress: Progress) -> WholeModel:
    """Make what a survey's folder lacks; shards that are there are not measured again."""
    with folder.alone(), engine_of(config.compute.workers, progress) as engine:
        run = open_survey(folder, config, progress)
        run.engine = engine
        return run.get(NUMBERS)
