"""The commented file that `auditor init` writes, made from the settings' declarations."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from auditor.core.settings_text import Setting, Table, all_tables, plain, toml_value

HEAD = """\
# What auditor audits. Paths are relative to this file. Check it with: auditor layers audit.toml
# A key that is commented out shows its default, or an example where it has none.
"""
COMMENT_COLUMN = 34
WIDTH = 112


def starting_file() -> str:
    """A TOML file with every setting: those that an audit needs filled in, all others commented out."""
    return "\n".join([HEAD, *("\n".join((*table_lines(table), "")) for table in all_tables())]).rstrip("\n") + "\n"


def table_lines(table: Table) -> Iterator[str]:
    """A table's heading and its settings, each with its comment beside it."""
    if table.name:
        yield from _commented(f"[{table.name}]", plain(table.description))
    for setting in table.settings:
        if setting.heading:
            yield f"# {plain(setting.heading)}"
        yield from _commented(_code(setting), _comment(setting))


def _code(setting: Setting) -> str:
    shown = setting.default if setting.example is None else setting.example.value
    switch = "" if setting.example is not None and setting.example.filled else "# "
    return f"{switch}{setting.keys[-1]} = {toml_value(shown)}"


def _comment(setting: Setting) -> str:
    shows_example = setting.example is not None and not setting.example.filled
    return f"{'(example) ' if shows_example else ''}{plain(setting.description)}"


def _commented(code: str, comment: str) -> Iterator[str]:
    """Code with its comment beside it, on as many lines as the comment takes."""
    column = max(COMMENT_COLUMN, len(code) + 2)
    first, *more = textwrap.wrap(comment, WIDTH - column - 2, break_long_words=False, break_on_hyphens=False)
    yield f"{code:<{column}}# {first}"
    yield from (f"{'':<{column}}# {line}" for line in more)
