"""The model's class names: reading them, and finding the class a person means. Folders of pictures are elsewhere."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.core.errors import ConfigError, UnknownNameError
from auditor.core.files import read_utf8
from auditor.core.records import ClassGroup

# No model has more classes; int refuses thousands of digits.
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class ClassNames:
    """The model's classes in its own order.

    Attributes:
        names: K names; need not differ.
        aliases: for each class, other words for it (such as a WordNet id); may be empty.
    """

    names: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if len(self.aliases) != len(self.names):
            raise ConfigError(f"{len(self.names)} class names came with aliases for {len(self.aliases)} classes")

    def __len__(self) -> int:
        return len(self.names)

    def index_of(self, name: str, numbers: bool = True) -> int:
        """Find a class by its name, its index number or an alias.

        First what is spelt exactly so; then, in names and aliases with letters, case, spaces, hyphens and underscores
        do not count. An alias that is a number, as from a column of counts, never stands in for an index.

        Args:
            numbers: whether an index number is taken for a class.
        Raises:
            UnknownNameError: no class is called that; carries the nearest.
            ConfigError: several classes are called that.
        """
        for found in self._matches(name.strip(), numbers):
            if len(found) > 1:
                described = ", ".join(self._describe(index) for index in found)
                raise ConfigError(
                    f"class {name!r} could be any of {len(found)} classes: {described}; give its index or another alias"
                )
            if found:
                return found[0]
        known = [*self.names, *(word for words in self.aliases for word in words)]
        raise UnknownNameError("class", name, known, f"the model's {len(self)} classes", f"or 0 to {len(self) - 1}")

    def _matches(self, wanted: str, numbers: bool) -> Iterator[list[int]]:
        """The classes that each way of reading finds, the surest way first."""
        yield [index for index, known in enumerate(self.names) if known == wanted]
        if numbers and wanted.isdecimal() and len(wanted) <= _MOST_DIGITS and int(wanted) < len(self):
            yield [int(wanted)]
        yield [index for index, words in enumerate(self.aliases) if wanted in words]
        loosely = plain_name(wanted)
        yield [index for index, known in enumerate(self.names) if plain_name(known) == loosely]
        yield [index for index, words in enumerate(self.aliases) if loosely in map(plain_name, words)]

    def group(self, spec: str | tuple[str, ...], except_indices: tuple[int, ...] = ()) -> ClassGroup:
        """Build the source or the target.

        Args:
            spec: one class, several, or '*' for every class but `except_indices`.
            except_indices: the classes of the other side of the pair, which may not be named here.
        Raises:
            UnknownNameError, ConfigError: as `index_of`; also nothing named, or a class on both sides.
        """
        wanted = (spec,) if isinstance(spec, str) else spec
        excluded = set(except_indices)
        if "*" in wanted:
            indices = tuple(index for index in range(len(self)) if index not in excluded)
            if len(wanted) > 1 or not indices:
                raise ConfigError("'*' means every class but the other side's, and must stand alone and leave one over")
            name = f"every class but {self._listed(except_indices)}" if excluded else "every class"
            return ClassGroup(name, indices)
        indices = tuple(dict.fromkeys(self.index_of(each) for each in wanted))
        if not indices:
            raise ConfigError("source and target need at least one class each")
        both = tuple(index for index in indices if index in excluded)
        if both:
            raise ConfigError(f"{self._listed(both)} cannot be in both source and target")
        return ClassGroup(self._listed(indices), indices)

    def _listed(self, indices: Sequence[int], most: int = 4) -> str:
        shown = ", ".join(self.names[index] for index in indices[:most])
        return shown if len(indices) <= most else f"{shown} and {len(indices) - most} more"

    def _describe(self, index: int) -> str:
        words = ", ".join((f"index {index}", *self.aliases[index]))
        return f"{self.names[index]!r} ({words})"


def read_class_names(path: Path) -> ClassNames:
    """Read class names from a CSV, JSON or text file.

    CSV: a column `name`, optionally `index` (0 to K-1 in any order); every other column is an alias.
    JSON: a list of names, an object index -> name (or index -> [alias, ..., name]), or an object name -> index.
    Any other file: one name a line, in order.

    Raises:
        ConfigError: no such file, or not one of these forms.
    """
    try:
        text = read_utf8(path)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no file of class names at {path}") from error
    except OSError as error:
        raise ConfigError(f"the class names in {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the class names in {path} cannot be read as text: {error}") from error
    suffix = path.suffix.lower()
    rows = _csv_rows(text, path) if suffix == ".csv" else _json_rows(text, path) if suffix == ".json" else None
    try:
        listed = list(rows if rows is not None else _text_rows(text))
    except csv.Error as error:
        raise ConfigError(f"the class names in {path} cannot be read as a CSV: {error}") from error
    return _in_order(listed, path)


def disambiguated(names: tuple[str, ...]) -> ClassNames:
    """Add the index to every name that several classes share; its spellings stay as aliases of each."""
    spellings: dict[str, dict[str, None]] = {}
    for name in names:
        spellings.setdefault(plain_name(name), {})[name] = None
    shared = {plain for plain, count in Counter(map(plain_name, names)).items() if count > 1}
    return ClassNames(
        tuple(f"{name} ({index})" if plain_name(name) in shared else name for index, name in enumerate(names)),
        tuple(tuple(spellings[plain_name(name)]) if plain_name(name) in shared else () for name in names),
    )


_MOST_DIGITS, _LONGEST_SHOWN = 9, 100


@dataclass(frozen=True, slots=True)
class _Row:
    index: int | None
    name: str
    aliases: tuple[str, ...] = ()


def _csv_rows(text: str, path: Path) -> Iterator[_Row]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = {str(column).strip().lower(): column for column in reader.fieldnames or ()}
    if "name" not in columns:
        found = ", ".join(columns) or "nothing"
        raise ConfigError(f"{path} needs a header with a column 'name'; its first line holds: {found}")
    others = [column for plain, column in columns.items() if plain not in ("name", "index")]
    for line, row in enumerate(reader, start=2):
        index = _whole_number(row[columns["index"]], f"{path}, line {line}") if "index" in columns else None
        aliases = tuple(word for word in ((row[column] or "").strip() for column in others) if word)
        yield _Row(index, (row[columns["name"]] or "").strip(), aliases)


def _json_rows(text: str, path: Path) -> Iterator[_Row]:
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{path} is not JSON of class names: its values are nested too deeply") from error
    except ValueError as error:  # JSONDecodeError, or a number of more digits than Python reads
        raise ConfigError(f"{path} is not valid JSON: {error}") from error
    if isinstance(content, list):
        content = {str(index): name for index, name in enumerate(content)}
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold a list of names or an object index -> name, got {type(content).__name__}")
    for key, value in content.items():
        if isinstance(value, str):
            yield _Row(_whole_number(key, str(path)), value.strip())
        elif isinstance(value, int) and not isinstance(value, bool):
            yield _Row(value, key.strip())
        elif isinstance(value, list) and value and all(isinstance(word, str) for word in value):
            yield _Row(_whole_number(key, str(path)), value[-1].strip(), tuple(word.strip() for word in value[:-1]))
        else:
            raise ConfigError(f"{path}: class {key!r} must have a name, got {value!r}")


def _text_rows(text: str) -> Iterator[_Row]:
    for line in text.rstrip().splitlines():
        yield _Row(None, line.strip())


def _whole_number(text: str | None, where: str) -> int:
    stripped = (text or "").strip()
    if not stripped.isdecimal() or len(stripped) > _MOST_DIGITS:
        shown = stripped if len(stripped) <= _LONGEST_SHOWN else f"{stripped[:_LONGEST_SHOWN]}…"
        raise ConfigError(f"{where}: the index must be a whole number from 0, got {shown!r}")
    return int(stripped)


def _in_order(rows: list[_Row], path: Path) -> ClassNames:
    if not rows:
        raise ConfigError(f"{path} holds no class names")
    by_index: dict[int, _Row] = {}
    for position, row in enumerate(rows):
        index = position if row.index is None else row.index
        if not row.name:
            raise ConfigError(f"{path}: class {index} has an empty name")
        if any("\ud800" <= character <= "\udfff" for word in (row.name, *row.aliases) for character in word):
            raise ConfigError(f"{path}: class {index} is called {row.name!r}, which holds half a character")
        if index in by_index:
            raise ConfigError(f"{path}: index {index} stands twice, for {by_index[index].name!r} and {row.name!r}")
        by_index[index] = row
    missing = [index for index in range(len(rows)) if index not in by_index]
    if missing:
        beyond = max(by_index)
        raise ConfigError(
            f"{path} has {len(rows)} classes, so that indices must be 0 to {len(rows) - 1}: "
            f"{missing[0]} is missing and {beyond} is there"
        )
    ordered = [by_index[index] for index in range(len(rows))]
    return ClassNames(tuple(row.name for row in ordered), tuple(row.aliases for row in ordered))


def plain_name(name: str) -> str:
    """A name as it is compared loosely: case, spaces, hyphens and underscores do not count.

    In names without letters they do: -1 is not 1, and 1-2 is not 12.
    """
    folded = unicodedata.normalize("NFC", name).casefold().strip()
    if not any(character.isalpha() for character in folded):
        return folded
    return "".join(character for character in folded if not character.isspace() and character not in "_-")
