"""Settings from flags and files together, and the words of single flags. Prints nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from auditor.core.config import AuditConfig, build_config, read_values
from auditor.core.errors import ConfigError
from auditor.core.records import Placement
from auditor.core.settings.trials import PLACEMENTS

Values = Mapping[tuple[str, ...], object]


def configured(path: Path | None, flags: Values) -> AuditConfig:
    """The configuration of a file, of flags, or of a file that flags overrule.

    Raises:
        ConfigError: neither is given, or what is given is not valid.
    """
    if path is None and not flags:
        raise ConfigError(
            "nothing to audit: give an audit.toml ('auditor init' writes one), or at least "
            "--model, --images, --source and --target; 'auditor demo' needs nothing"
        )
    values = read_values(path) if path is not None else {}
    for keys, value in flags.items():
        table = values
        for key in keys[:-1]:
            inner = table.setdefault(key, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"{path}: {key!r} must be a table")
            table = inner
        table[keys[-1]] = value
    where = str(path) if path is not None else "the flags"
    return build_config(values, path.resolve().parent if path is not None else Path.cwd(), where)


def named_placements(text: str) -> list[Placement]:
    """The placements of a flag's words, separated by commas.

    Raises:
        ConfigError: one of them is none, or stands there twice.
    """
    named = [part.strip() for part in text.split(",")]
    if not all(one in PLACEMENTS for one in named):
        *first, last = PLACEMENTS
        raise ConfigError(f"--placements takes {', '.join(first)} and {last}, by commas, got {text!r}")
    placements = [Placement(one) for one in named]
    if len(set(placements)) < len(placements):
        raise ConfigError(f"--placements takes each placement once, got {text!r}")
    return placements


def atlas_flags(levels: str | None, icons: int | None) -> dict[str, object]:
    """The settings of an atlas that flags overrule, by their key.

    Raises:
        ConfigError: levels that are no whole numbers.
    """
    values: dict[str, object] = {} if icons is None else {"icons": icons}
    if levels is not None:
        values["levels"] = _whole_numbers(levels, "--levels takes grid sizes by commas, such as 10,20,40")
    return values


def named_channels(text: str) -> list[int]:
    """The channels of a flag's words, separated by commas, each once.

    Raises:
        ConfigError: one of them is no whole number.
    """
    return list(dict.fromkeys(_whole_numbers(text, "--channels takes whole numbers by commas, such as 3,17")))


def _whole_numbers(text: str, expected: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"{expected}, got {text!r}") from error


def listed(text: str | None) -> list[str]:
    """The words of a flag, separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()] if text else []
