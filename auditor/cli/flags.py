"""The flags that set something: made from the settings' declarations, and read back by them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ParamSpec, cast

import typer
from rich.markup import escape

from auditor.cli.completing import class_names
from auditor.core.addresses import address_of, without_file
from auditor.core.errors import ConfigError
from auditor.core.section import Flag
from auditor.core.settings.trials import SHARING as SHARING_KEYS
from auditor.core.settings_text import all_settings, plain

P = ParamSpec("P")
FlagValue = str | int | Path | None


def _classes(text: str) -> str | list[str]:
    return [part.strip() for part in text.split(",")] if "," in text else text


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _file(path: Path) -> str:
    """The whole path of a file or folder that is named from the current folder; an address stays as it is."""
    if address := address_of(path):
        return address
    try:
        return str(Path(without_file(str(path))).expanduser().absolute())
    except RuntimeError as error:
        raise ConfigError(f"there is no home folder for {str(path)!r}; give the whole path") from error


def _file_or_default(path: Path) -> str:
    return "default" if str(path) == "default" else _file(path)


def _model(name: str) -> str:
    """A model given as a file of the current folder is named by its whole path; every other name stays."""
    file, colon, factory = name.rpartition(":") if ".py:" in name else (name, "", "")
    try:
        return f"{Path(file).absolute()}{colon}{factory}" if Path(file).is_file() else name
    except OSError:  # longer than a path may be, so it is none
        return name


def _as_typed(value: FlagValue) -> FlagValue:
    return value


@dataclass(frozen=True, slots=True)
class Reader:
    """How what stands behind a flag is read: `typed` is its type on the command line, `read` makes the file's value."""

    typed: type
    read: Callable[..., object] = _as_typed


READERS: dict[str, Reader] = {
    "text": Reader(str),
    "number": Reader(int),
    "switch": Reader(bool),  # given or not: what the file switches on, no flag switches off
    "classes": Reader(str, _classes),
    "names": Reader(str, _names),
    "model": Reader(str, _model),
    "file": Reader(Path, _file),
    "file or default": Reader(Path, _file_or_default),
}
"""What a declared flag may take (`Flag.takes`)."""

FLAGS: dict[tuple[str, ...], Flag] = {
    setting.keys: setting.flag for setting in all_settings() if setting.flag is not None
}
"""The declared flags, by the key in the file that each sets."""

MEANINGS: dict[str, str] = {
    setting.flag.name: setting.flag.told.format(setting.description)
    for setting in all_settings()
    if setting.flag is not None
}
"""What each flag means, as a line of Markdown, by its name."""


SHARING = tuple(("compute", key) for key in SHARING_KEYS)
"""Who shares the work, which decides no number."""


def takes_settings(command: Callable[P, None]) -> Callable[P, None]:
    """Put an option for every declared flag in the place of a command's `**flags`, for typer to read."""
    return _taking(command, FLAGS)


def takes_sharing(command: Callable[P, None]) -> Callable[P, None]:
    """The same with the flags of `SHARING` alone."""
    return _taking(command, SHARING)


def _taking(command: Callable[P, None], keys: Iterable[tuple[str, ...]]) -> Callable[P, None]:
    signature = inspect.signature(command, eval_str=True)
    own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    options = [_option(FLAGS[key]) for key in keys]
    command.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    return command


def flag_values(flags: Mapping[str, FlagValue]) -> dict[tuple[str, ...], object]:
    """The flags that were given, by their key in the file. Paths are taken from the current folder.

    Args:
        flags: what typer read for the options of `takes_settings`, None where one was not given.
    Raises:
        ConfigError: a path that starts from a home folder which is not there.
    """
    given = ((key, flag, flags.get(_parameter_name(flag))) for key, flag in FLAGS.items())
    return {key: READERS[flag.takes].read(value) for key, flag, value in given if value is not None}


def _option(flag: Flag) -> inspect.Parameter:
    option = typer.Option(
        flag.name,
        help=escape(plain(MEANINGS[flag.name])),
        autocompletion=class_names if flag.takes == "classes" else None,
    )
    kind = READERS[flag.takes].typed
    return inspect.Parameter(
        _parameter_name(flag),
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[cast(type, kind | None), option],
    )


def _parameter_name(flag: Flag) -> str:
    return flag.name.removeprefix("--").replace("-", "_")
