"""A survey begun, opened and continued: its configuration has no pair."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from auditor.core.config import AuditConfig, build_config, read_values
from auditor.core.errors import ConfigError, StoreError
from auditor.core.progress import Progress
from auditor.inputs.model.labels import ClassNames
from auditor.run.audit import open_checked, stored_config
from auditor.run.folder import RunFolder
from auditor.run.stage import Run

PAIR = ("source", "target")


def survey_config(path: Path) -> tuple[AuditConfig, tuple[str, ...]]:
    """The configuration of a file for a survey, and which of `source` and `target` it gives, which are not read.

    Raises:
        ConfigError: as `read_config`.
    """
    values = read_values(path)
    given = tuple(name for name in PAIR if name in values)
    everything: dict[str, object] = {**values, "source": "*", "target": "*"}
    return build_config(everything, path.resolve().parent, str(path)), given


def config_of_pair(config: AuditConfig, names: ClassNames, source: int, target: int) -> AuditConfig:
    """A survey's settings for the audit of one pair of class indices, by their names where these name them alone.

    The source may be the index after the last class: all classes but the target.

    Raises:
        ConfigError: neither name, index nor alias names a class alone.
    """
    pair = {"source": "*" if source == len(names) else class_word(names, source), "target": class_word(names, target)}
    return build_config({**config.model_dump(exclude={"base"}), **pair}, config.base, "the survey's settings")


def class_word(names: ClassNames, index: int) -> str:
    """A word that names a class alone, for a configuration: its name, its index or an alias.

    Raises:
        ConfigError: there is none.
    """
    for word in (names.names[index], str(index), *names.aliases[index]):
        with suppress(ConfigError):  # several classes are called that
            if word != "*" and names.index_of(word) == index:
                return word
    raise ConfigError(f"class {index} ({names.names[index]!r}) has no name of its own; give it one in [classes] names")


def default_folder() -> Path:
    """`reports/survey-<UTC time>` below the current folder."""
    return Path("reports") / f"survey-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def config_of_survey(folder: RunFolder) -> AuditConfig:
    """The configuration that a survey's folder was begun with.

    Raises:
        StoreError: the folder holds an audit of a pair.
    """
    config = stored_config(folder)
    if not config.whole:
        raise StoreError(f"{folder.path} holds an audit of a pair; go on with 'auditor run --resume {folder.path}'")
    return config


def open_survey(folder: RunFolder, config: AuditConfig, progress: Progress) -> Run:
    """Open the classifier for a survey's folder, and make sure that nothing changed since it was begun.

    Raises:
        StoreError: a file that decides a number changed.
        ConfigError: the model's layers are several: a survey screens at one.
        AuditorError: as `auditor.run.audit.open_run`.
    """
    if config.model.layers is not None:
        raise ConfigError("a survey screens crops at one layer; name it by model.layer in the place of model.layers")
    return open_checked(folder, config, progress, whole=True)
