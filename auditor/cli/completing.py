"""What a shell may complete a word to: run folders, files of settings, class names. It opens no model."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from auditor.core.config import read_config
from auditor.core.errors import AuditorError
from auditor.core.plain_text import plain
from auditor.inputs.model.labels import read_class_names

_SPECIAL = re.compile(r"[^\w@%+=:,./-]")
"""What bash would take for something else than itself."""

_DEPTHS = ("*", "*/*", "*/*/*")
"""How far below what was typed a run folder is looked for."""


def run_folders(incomplete: str) -> list[str]:
    """Run folders whose path begins as what was typed."""
    return _offered(Path(path).parent for path in _found(incomplete, "/manifest.json"))


def settings_files(incomplete: str) -> list[str]:
    """TOML files whose path begins as what was typed."""
    return _offered(_found(incomplete, ".toml"))


def settings_or_runs(incomplete: str) -> list[str]:
    """TOML files and run folders whose path begins as what was typed."""
    return [*settings_files(incomplete), *run_folders(incomplete)]


def class_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Class names of the file that the audit.toml on the line names, or `--classes`."""
    # an option that still lacks its word ends the parsing before the arguments get their names
    config = ctx.params.get("config") or next((word for word in ctx.args if word.endswith(".toml")), None)
    classes = ctx.params.get("classes")
    try:
        if classes is None and config is not None:
            settings = read_config(Path(config))
            named = settings.classes.names
            classes = None if named is None else settings.path(named)
        names = read_class_names(Path(classes)).names if classes is not None else ()
    except (AuditorError, OSError):  # a line that is being typed need not be right
        return []
    return _offered(name for name in names if name.startswith(incomplete))


def one_of(words: Iterable[str]) -> Callable[[str], list[str]]:
    """What completes to words that are known."""
    known = tuple(words)

    def completed(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return completed


def _found(incomplete: str, ending: str) -> Iterable[str]:
    for depth in _DEPTHS:
        yield from sorted(glob.glob(f"{glob.escape(incomplete)}{depth}{ending}"))


def _offered(words: Iterable[str | Path]) -> list[str]:
    """Words that can be shown, each once, as the shell takes them: bash alone quotes nothing by itself."""
    bash = os.environ.get("_AUDITOR_COMPLETE", "").endswith("bash")
    shown = dict.fromkeys(str(word) for word in words if plain(str(word)) == str(word))
    return [_SPECIAL.sub(r"\\\g<0>", word) if bash else word for word in shown]
