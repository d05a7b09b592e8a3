"""What a user set, read and validated. One TOML file; the same model is built from flags and from Python.

The settings themselves are declared in settings.
"""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError

from auditor.core.errors import ConfigError, nearest_names
from auditor.core.files import read_file
from auditor.core.section import ContradictionError
from auditor.core.settings import AuditConfig
from auditor.core.settings.inputs import DEFAULT_PROMPTS, ClassesConfig, ImagesConfig, ModelConfig, PreprocessingConfig
from auditor.core.settings.search import FINEST_LEVEL, AtlasConfig, CandidatesConfig
from auditor.core.settings.survey import SurveyConfig
from auditor.core.settings.trials import (
    ComputeConfig,
    LimitsConfig,
    NeededConfig,
    PlacesConfig,
    SurvivalConfig,
    TrialsConfig,
)

__all__ = [
    "DEFAULT_PROMPTS",
    "FINEST_LEVEL",
    "AtlasConfig",
    "AuditConfig",
    "CandidatesConfig",
    "ClassesConfig",
    "ComputeConfig",
    "ImagesConfig",
    "LimitsConfig",
    "ModelConfig",
    "NeededConfig",
    "PlacesConfig",
    "PreprocessingConfig",
    "SurveyConfig",
    "SurvivalConfig",
    "TrialsConfig",
    "build_config",
    "read_config",
    "read_values",
    "with_atlas",
]

LONGEST_SHOWN = 200
"""Characters of a refused key or value that a message shows."""

MOST_PROBLEMS = 20
"""Problems of one file that a message names."""


def read_config(path: Path) -> AuditConfig:
    """Read and validate an audit's TOML file.

    Raises:
        ConfigError: no file, not TOML, an unknown key (the nearest known one is named) or a bad value.
    """
    return build_config(read_values(path), path.resolve().parent, str(path))


def read_values(path: Path) -> dict[str, object]:
    """The keys and values of a TOML file, not validated yet.

    Raises:
        ConfigError: no file, or not TOML.
    """
    try:
        data = read_file(path)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no file {path}; 'auditor init {path}' writes a commented one") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read as text: {_reason(error)}") from error
    return toml_values(data, str(path))


def toml_values(data: bytes, where: str) -> dict[str, object]:
    """The keys and values of a TOML file's bytes, without the byte order mark that some editors put at its head.

    Args:
        where: what messages call the file.
    Raises:
        ConfigError: not UTF-8, or not TOML.
    """
    try:
        return tomllib.loads(data.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where} cannot be read as text: {_reason(error)}") from error
    except RecursionError as error:
        raise ConfigError(f"{where} is not valid TOML for an audit: its values are nested too deeply") from error
    except ValueError as error:  # TOMLDecodeError, or a number of more digits than Python reads
        raise ConfigError(f"{where} is not valid TOML: {error}") from error


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if error.object.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it is UTF-16; save it as UTF-8"
    return str(error)


def build_config(values: dict[str, object], base: Path, where: str = "the configuration") -> AuditConfig:
    """Validate a nested mapping of settings.

    Raises:
        ConfigError: as `read_config`.
    """
    try:
        return AuditConfig.model_validate({**values, "base": base})
    except ValidationError as error:
        raise ConfigError(f"{where}: {problems_of(error, AuditConfig)}") from error


def with_atlas(config: AuditConfig, values: Mapping[str, object]) -> AuditConfig:
    """The same configuration with some settings of the atlas overruled.

    Args:
        values: key of `AtlasConfig` to value.
    Raises:
        ConfigError: as `read_config`.
    """
    if not values:
        return config
    whole = config.model_dump(exclude={"base"})
    return build_config({**whole, "atlas": {**whole["atlas"], **values}}, config.base, "the command line")


_LIST, _TABLE = "Input should be a list, in brackets", "Input should be a table, with keys of its own"
_IN_TOML = {
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
}
"""Pydantic's types of error that speak of Python, in the words of a file's reader."""


def problems_of(error: ValidationError, root: type[BaseModel]) -> str:
    """Everything that a file's values are refused for, in words.

    Args:
        root: what the whole file was held against.
    """
    problems = error.errors()
    lines = [_explain(dict(problem), root) for problem in problems[:MOST_PROBLEMS]]
    more = [f"and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
    return "; ".join(lines + more)


def _explain(problem: dict[str, object], root: type[BaseModel]) -> str:
    location = tuple(str(part) for part in problem["loc"]) if isinstance(problem["loc"], tuple) else ()
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(location[:-1], root)
        near = nearest_names(location[-1], known, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(known)}"
        return f"unknown key {_shown(key)}{hint}"
    if problem["type"] == "missing":
        return f"{key!r} is missing"
    message = _IN_TOML.get(str(problem["type"]), str(problem["msg"]).removeprefix("Value error, "))
    context = problem.get("ctx")
    if isinstance(context, dict) and isinstance(context.get("error"), ContradictionError):
        return f"{'.'.join(location[:-1])}: {message}"
    given = problem.get("input")
    shown = "" if isinstance(given, dict) else f", got {_shown(given)}"
    return f"{key}: {message}{shown}" if key else message


def _shown(given: object) -> str:
    try:
        text = repr(given)
    except (ValueError, RecursionError):  # more digits, or deeper, than Python prints
        return f"a {type(given).__name__} too large to show"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _known_keys(location: tuple[str, ...], root: type[BaseModel]) -> list[str]:
    section = root
    for part in location:
        if part not in section.model_fields:  # a place in a list of tables
            continue
        annotation = section.model_fields[part].annotation
        for inner in (annotation, *get_args(annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                section = inner
                break
    return [name for name in section.model_fields if name != "base"]
