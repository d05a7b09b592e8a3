"""The settings as a list, each with the words in which it is told: to a file, a page or a flag's help."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from auditor.core.section import Example, Flag, Heading, Moved
from auditor.core.settings import AuditConfig

NOT_IN_THE_FILE = "base"
"""The one field of an audit's configuration that nobody writes into a file."""

BOUNDS = {"ge": "{} or more", "gt": "above {}", "le": "at most {}", "lt": "below {}"}
"""The marks that bound a number, in words; `ge` and `le` together are "{} to {}"."""

Mark = TypeVar("Mark", Example, Flag, Heading, Moved)


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the file.

    Attributes:
        keys: the table's name, where it stands in one, and its own.
        description: a line of Markdown; allowed: the range of its numbers in words, or nothing.
        default: None where there is none; example: what `auditor init` shows instead; heading: the line above it there.
        flag: the flag of `auditor run` that sets it.
    """

    keys: tuple[str, ...]
    description: str
    allowed: str
    default: object
    example: Example | None
    heading: str
    flag: Flag | None

    @property
    def key(self) -> str:
        return ".".join(self.keys)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the file: its name (none for the keys above all tables), a few sentences of Markdown, its settings."""

    name: str
    description: str
    settings: tuple[Setting, ...]


def all_tables() -> tuple[Table, ...]:
    """Every table of the file in its order, first the keys that stand above the tables."""
    own = tuple(_settings_of(AuditConfig, ()))
    inner = [(name, _section_of(field)) for name, field in AuditConfig.model_fields.items()]
    return (
        Table("", "", own),
        *(
            Table(name, " ".join((inspect.getdoc(section) or "").split()), tuple(_settings_of(section, (name,))))
            for name, section in inner
            if section is not None
        ),
    )


def all_settings() -> tuple[Setting, ...]:
    """Every key of the file, in its order."""
    return tuple(setting for table in all_tables() for setting in table.settings)


def plain(markdown: str) -> str:
    """A description without its marks."""
    return markdown.replace("`", "")


def toml_value(value: object) -> str:
    """A value as TOML writes it: a text, a number, a truth value, a list or a table of them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return f"{value:_}" if value >= 1_000_000 else str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{toml_value(key)} = {toml_value(inner)}" for key, inner in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return repr(value)


def _settings_of(section: type[BaseModel], above: tuple[str, ...]) -> Iterator[Setting]:
    for name, field in section.model_fields.items():
        if name == NOT_IN_THE_FILE or _section_of(field) is not None or _mark(field, Moved) is not None:
            continue
        heading = _mark(field, Heading)
        yield Setting(
            keys=(*above, name),
            description=field.description or "",
            allowed=_allowed(field),
            default=None if field.is_required() else field.get_default(call_default_factory=True),
            example=_mark(field, Example),
            heading=heading.text if heading is not None else "",
            flag=_mark(field, Flag),
        )


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _mark(field: FieldInfo, kind: type[Mark]) -> Mark | None:
    return next((mark for mark in field.metadata if isinstance(mark, kind)), None)


def _allowed(field: FieldInfo) -> str:
    """The bounds of a number in words, or of each number of a list."""
    own = _bounds(field.metadata)
    inner = _bounds([mark for kind in get_args(field.annotation) for mark in _constraints(kind)])
    return own or (f"each {inner}" if inner else "")


def _constraints(kind: object) -> list[object]:
    marks = getattr(kind, "__metadata__", ())
    return [inner for mark in marks for inner in (mark.metadata if isinstance(mark, FieldInfo) else [mark])]


def _bounds(marks: list[object]) -> str:
    found = {name: _number(getattr(mark, name)) for name in BOUNDS for mark in marks if hasattr(mark, name)}
    if "ge" in found and "le" in found:
        return f"{found['ge']} to {found['le']}"
    return ", ".join(BOUNDS[name].format(value) for name, value in found.items())


def _number(bound: float) -> str:
    return toml_value(bound) if isinstance(bound, int) else f"{bound:g}"
