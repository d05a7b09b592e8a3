"""Runs at addresses on the command line: brought here, worked on in a copy, and sent back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from auditor.core.config import read_config
from auditor.core.errors import StoreError
from auditor.run.audit import audit
from auditor.run.folder import RunFolder

ADDRESS = "memory://runs/7"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[fsspec.AbstractFileSystem]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = fsspec.filesystem("memory")
    yield found
    found.store.clear()
    found.pseudo_dirs[:] = [""]


def put(store: fsspec.AbstractFileSystem, run: Path) -> None:
    """A run as somebody else left it there."""
    for path in run.rglob("*"):
        if path.is_file():
            store.pipe_file(f"/runs/7/{path.relative_to(run).as_posix()}", path.read_bytes())


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def there(store: fsspec.AbstractFileSystem) -> dict[str, bytes]:
    return {name.removeprefix("/runs/7/"): store.cat_file(name) for name in store.find("/runs/7")}


def copy_of(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "cache").glob("auditor/runs/*/7")
    return found


def test_a_run_is_read_from_its_address(own_run: Path, finished, store, invoke, tmp_path: Path) -> None:
    put(store, own_run)
    before = there(store)
    for words in (("report", ADDRESS, "--format", "json"), ("compare", finished[0], ADDRESS, "--json")):
        said = invoke(*words)
        here = invoke(*[own_run if word == ADDRESS else word for word in words])
        assert (said.exit_code, said.stdout.replace('"7"', '"run"')) == (here.exit_code, here.stdout)
    assert there(store) == before


def test_marks_of_a_review_are_sent_and_seen_elsewhere(own_run: Path, store, invoke, tmp_path: Path) -> None:
    put(store, own_run)
    candidate = json.loads((own_run / "findings.json").read_text())["findings"][0]["candidate"]
    assert invoke("review", ADDRESS, "--mark", f"{candidate}=context", "--by", "me").exit_code in (0, 1, 3)
    assert there(store) == files(copy_of(tmp_path)) != files(own_run)
    shutil.move(tmp_path / "cache", tmp_path / "another machine")
    assert "me" in invoke("report", ADDRESS, "--format", "json").stdout
    # the first machine is told of what another one did, and takes it
    store.rm("/runs/7", recursive=True)
    put(store, own_run)
    assert '"me"' not in invoke("report", ADDRESS, "--format", "json").stdout
    # a copy that was changed and not sent is not thrown away
    RunFolder(copy_of(tmp_path)).write("notes.txt", b"mine")
    assert invoke("report", ADDRESS, "--format", "json").exit_code == 0
    assert there(store)["notes.txt"] == b"mine"
    RunFolder(copy_of(tmp_path)).write("notes.txt", b"not sent")
    store.pipe_file("/runs/7/manifest.json", (own_run / "manifest.json").read_bytes().replace(b"{", b"{ ", 1))
    refused = invoke("report", ADDRESS)
    assert (refused.exit_code, "was changed from elsewhere" in " ".join(refused.stderr.split())) == (2, True)
    assert (copy_of(tmp_path) / "notes.txt").read_bytes() == b"not sent"


def test_what_cannot_be_done_at_an_address_is_one_sentence(world, store, invoke, own_run: Path, tmp_path: Path) -> None:
    put(store, own_run)
    for words, told in (
        (("run", world.config, "--out", ADDRESS), f"{ADDRESS} already exists and is not empty"),
        (("report", "memory://runs/8"), "there is no run at memory://runs/8"),
        (("run", world.config, "--out", "s3://key:word@bucket/run"), "must hold no password or token"),
        (("run", world.config, "--out", "memory://x", "--both-directions"), "both directions cannot lie at memory://x"),
        (("run", world.config, "--out", "memory://"), "names no run"),
        (("list", "memory://runs"), "memory://runs stands where a path of this machine is expected"),
        (("demo", "--out", "memory://x"), "memory://x stands where a path of this machine is expected"),
        (("survey", "memory://runs/8"), "there is no run at memory://runs/8"),
    ):
        refused = invoke(*words)
        assert (refused.exit_code, told in " ".join(refused.stderr.split())) == (2, True), refused.output
        assert "word" not in refused.stderr.replace("password", "")


def test_a_run_that_could_not_begin_leaves_nothing_there(world, store, invoke, tmp_path: Path) -> None:
    refused = invoke("run", world.config, "--layer", "no.such.layer", "--out", ADDRESS)
    assert refused.exit_code == 2
    assert not store.find("/runs")
    assert not list((tmp_path / "cache").glob("auditor/runs/*/7/*"))


def test_a_store_that_refuses_ends_in_a_sentence_and_keeps_the_copy(
    own_run: Path, store, invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, own_run)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "not yours")

    monkeypatch.setattr(type(store), "put_file", refuse)
    candidate = json.loads((own_run / "findings.json").read_text())["findings"][0]["candidate"]
    refused = invoke("review", ADDRESS, "--mark", f"{candidate}=context", "--by", "me")
    assert refused.exit_code == 2
    assert f"{ADDRESS} cannot be written (" in " ".join(refused.stderr.split())
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert invoke("report", ADDRESS, "--format", "json").exit_code == 0
    assert there(store) == files(copy_of(tmp_path))


def test_python_is_told_where_a_run_can_lie(world) -> None:

    with pytest.raises(StoreError, match="a run folder cannot lie at memory://runs/7"):
        audit(read_config(world.config), Path(ADDRESS))
