"""Stages of a toy run: made once, read back, made again where a file is lost, and kept to their own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditor.core.config import AuditConfig
from auditor.core.errors import StoreError
from auditor.core.progress import Silence
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage

CONFIG = AuditConfig.model_validate({"source": "a", "target": "b", "model": {"name": "m"}, "images": {"all": "photos"}})


class Toy:
    """`letters` writes a.txt and b.txt; `word` reads both of them and keeps a file that it can do without."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.letters: Stage[str] = Stage(
            "letters", (), ("letters/*",), self._make_letters, self._read_letters, needed=("letters/*",)
        )
        self.word: Stage[str] = Stage(
            "word", (self.letters,), ("word.txt", "spare/*"), self._make_word, self._read_word, needed=("word.txt",)
        )

    def _make_letters(self, run: Run, folder: RunFolder) -> Facts:
        self.made.append("letters")
        folder.write_text("letters/a.txt", "a")
        folder.write_text("letters/b.txt", "b")
        return {"count": 2}

    def _read_letters(self, run: Run) -> str:
        return run.folder.read_text("letters/a.txt") + run.folder.read_text("letters/b.txt")

    def _make_word(self, run: Run, folder: RunFolder) -> Facts:
        self.made.append("word")
        folder.write_text("spare/part.txt", "")
        folder.write_text("word.txt", run.get(self.letters).upper())
        return {}

    def _read_word(self, run: Run) -> str:
        return run.folder.read_text("word.txt")


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run")


def begun(folder: RunFolder) -> Run:
    return Run(folder, CONFIG, Silence())


def test_a_product_is_made_with_what_it_needs_and_once(toy: Toy, folder: RunFolder) -> None:
    run = begun(folder)
    assert run.get(toy.word) == "AB"
    assert run.get(toy.word) == run.get(toy.letters).upper()
    assert toy.made == ["letters", "word"]
    assert run.fact(toy.letters, "count") == 2
    assert folder.files_of("letters") == ("letters/a.txt", "letters/b.txt")
    assert folder.files_of("word") == ("word.txt",)
    noted = folder.facts("word")
    assert noted is not None
    assert set(noted) == {"seconds", "files"}


def test_another_run_of_the_folder_reads_it_back(toy: Toy, folder: RunFolder) -> None:
    begun(folder).get(toy.word)
    assert begun(folder).get(toy.word) == "AB"
    assert toy.made == ["letters", "word"]


@pytest.mark.parametrize(
    ("lost", "made_again"),
    [("letters/a.txt", ["letters"]), ("word.txt", ["word"]), ("spare/part.txt", []), (None, [])],
)
def test_a_stage_that_lost_a_file_is_made_again_and_no_other(
    lost: str | None, made_again: list[str], toy: Toy, folder: RunFolder
) -> None:
    begun(folder).get(toy.word)
    toy.made.clear()
    if lost:
        (folder.path / lost).unlink()
    run = begun(folder)
    assert run.ensure(toy.word) == (made_again == ["word"])
    assert run.get(toy.word) == "AB"
    assert toy.made == made_again


def test_a_stage_that_an_earlier_version_made_lists_no_files_and_is_made_again(toy: Toy, folder: RunFolder) -> None:
    begun(folder).get(toy.letters)
    folder.mark_done("letters", {"count": 2})
    begun(folder).get(toy.letters)
    assert toy.made == ["letters", "letters"]


def test_a_stage_cannot_write_anothers_files(toy: Toy, folder: RunFolder) -> None:
    def trespass(run: Run, own: RunFolder) -> Facts:
        own.write_text("letters/a.txt", "z")
        return {}

    thief: Stage[Any] = Stage("thief", (toy.letters,), ("loot.txt",), trespass, lambda run: None, needed=())
    run = begun(folder)
    with pytest.raises(StoreError, match=r"letters/a\.txt belongs to another stage than the one that writes loot\.txt"):
        run.get(thief)
    assert run.folder.read_text("letters/a.txt") == "a"
    assert not folder.is_done("thief")


def test_a_fact_that_is_not_there_is_said(toy: Toy, folder: RunFolder) -> None:
    run = begun(folder)
    run.get(toy.letters)
    with pytest.raises(StoreError, match=r"lacks letters\.sum; begin a new run"):
        run.fact(toy.letters, "sum")
