"""The ledger in a run's parent folder: one line a look at confirmation pictures. It decides no verdict.

It is appended to and never rewritten, and nothing depends on its being there: a run whose ledger cannot be read or
written says so and goes on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from auditor.core.files import read_file
from auditor.core.hashing import sha256_of
from auditor.core.plain_text import json_text
from auditor.core.records.looks import EarlierLook, Looks
from auditor.run.writing import append_line

LEDGER = "looks.jsonl"
DIRECTIONS = "directions.json"
"""In a folder that holds the two audits of a pair, which are one thing among the runs beside it."""

SAME_PICTURES = 0.5
"""From this share of the smaller of two sets on, sharing pictures is looking at the same ones again."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: patches tried on confirmation pictures.

    Attributes:
        run, date, what: who looked, when (UTC, ISO 8601), and what for.
        model, weights_sha256: the network; "" where its weights come with its code.
        source, target: class indices of the pair.
        seed, settings: of every draw, and the sha256 of how patches are pasted.
        pictures: keys of the eligible confirmation pictures, sorted; patches: sha256 of the pixels tried, sorted.
    """

    run: str
    date: str
    what: str
    model: str
    weights_sha256: str
    source: tuple[int, ...]
    target: tuple[int, ...]
    seed: int
    settings: str
    pictures: tuple[str, ...]
    patches: tuple[str, ...]

    @property
    def content(self) -> str:
        """What is the same where the same is measured again: all but who, when and what for; a sha256."""
        values = {name: value for name, value in asdict(self).items() if name not in ("run", "date", "what")}
        return sha256_of(json.dumps(values, sort_keys=True).encode())

    def shared(self, other: Look) -> int:
        """How many pictures two looks have in common."""
        return len(set(self.pictures) & set(other.pictures))

    def is_again(self, other: Look) -> bool:
        """Whether it asks the same question as another look, of the same pictures or at least half of them."""
        asked, known = ((one.model, one.weights_sha256, one.source, one.target) for one in (self, other))
        fewer = min(len(self.pictures), len(other.pictures))
        return asked == known and fewer > 0 and self.shared(other) >= SAME_PICTURES * fewer


def ledger_folder(run: Path) -> Path:
    """Where the ledger of a run lies: in its parent folder; of one of both directions, a folder further up."""
    above = run.resolve().parent
    return above.parent if (above / DIRECTIONS).is_file() else above


def enter(folder: Path, look: Look, brought: Mapping[str, str], paid: Collection[str] = ()) -> Looks:
    """Enter a look in a folder's ledger, and tell which looks came before it.

    A look of the same content says the same and counts once, so a run that is resumed, measured anew or repeated with
    nothing changed has no more looks before it than it had the first time.

    Args:
        brought: sha256 of the pixels of patches that a person brought, by candidate id.
        paid: runs whose last look the test allows for; it is left out.
    """
    path = folder / LEDGER
    known, problem = _read(path)
    same = [place for place, one in enumerate(known) if one.content == look.content]
    allowed = {one.run: one.content for one in known if one.run in paid}  # the last, if a folder was used twice
    before: dict[str, Look] = {}
    for one in known[: same[0]] if same else known:
        if look.is_again(one) and one.content not in allowed.values():
            before.setdefault(one.content, one)
    if not any(known[place].run == look.run for place in same):
        try:
            append_line(path, json_text(asdict(look)))
        except OSError as error:
            problem = problem or f"{LEDGER} cannot be written: {error.strerror}"
    tried = {sha256 for one in before.values() for sha256 in one.patches}
    return Looks(
        earlier=tuple(
            EarlierLook(one.run, one.date, one.what, look.shared(one), len(one.patches)) for one in before.values()
        ),
        patches=len(tried),
        chosen_from={identity: len(tried) for identity, sha256 in brought.items() if sha256 in tried},
        problem=problem,
    )


def _read(path: Path) -> tuple[list[Look], str]:
    """All looks that can be read, and why others cannot; no file is no look."""
    try:
        lines = read_file(path).splitlines()
    except FileNotFoundError:
        return [], ""
    except OSError as error:
        return [], f"{LEDGER} cannot be read: {error.strerror}"
    lines = [line for line in lines if line.strip()]
    looks = list(_readable(lines))
    damaged = len(lines) - len(looks)
    return looks, f"{LEDGER} holds {damaged} of {len(lines)} lines that cannot be read" if damaged else ""


def _readable(lines: list[bytes]) -> Iterator[Look]:
    adapter = TypeAdapter(Look)
    for line in lines:
        try:
            yield adapter.validate_json(line)
        except ValidationError:  # half a line of an interrupted machine, or a line of another version
            continue
