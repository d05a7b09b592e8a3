"""The run folder: files that are whole or not there, and refusals in words."""

from __future__ import annotations

import errno
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.core.errors import DamagedFileError, StoreError
from auditor.core.shelf import slug
from auditor.run.folder import MANIFEST, RunFolder, matches
from auditor.run.writing import write_new_file


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs" / "first")


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusing(code: int, message: str = "refused") -> object:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, message)

    return refuse


def test_what_is_written_is_read_back(run: RunFolder) -> None:
    table = pa.table({"name": ["ä", "b"], "value": [float("nan"), 2.5], "none": pa.nulls(2)})
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    run.write("pictures/a.png", b"\x00\xff")
    run.write_text("note.md", "Größe\n")
    run.write_json("deep/er/facts.json", {"b": [1, None, "ü"], "a": 0.1})
    run.write_table("table.parquet", table)
    run.write_array("cache/pixels.npy", array)
    assert run.read("pictures/a.png") == b"\x00\xff"
    assert run.read_text("note.md") == "Größe\n"
    assert run.read_text("deep/er/facts.json") == '{\n  "b": [\n    1,\n    null,\n    "ü"\n  ],\n  "a": 0.1\n}\n'
    read = run.read_table("table.parquet")
    assert read.schema == table.schema
    assert read["name"].to_pylist() == ["ä", "b"]
    assert np.isnan(read["value"].to_numpy()[0])
    np.testing.assert_array_equal(run.read_array("cache/pixels.npy"), array)
    assert run.has("note.md", "table.parquet")
    assert not run.has("note.md", "nothing")
    assert run.name == "first"


def test_a_link_leads_to_the_file_and_changes_nothing_of_it(run: RunFolder, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"pixels")
    photo.chmod(0o400)
    for _ in range(2):  # given again it stands
        run.link("pictures/a.jpg", photo)
    assert (run.path / "pictures" / "a.jpg").readlink() == photo
    assert run.read("pictures/a.jpg") == b"pixels"
    assert stat.S_IMODE(photo.stat().st_mode) == 0o400


def test_where_no_link_can_be_made_there_is_a_copy(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    (tmp_path / "photo.jpg").write_bytes(b"pixels")
    monkeypatch.setattr(Path, "symlink_to", refused)
    run.link("pictures/a.jpg", tmp_path / "photo.jpg")
    assert not (run.path / "pictures" / "a.jpg").is_symlink()
    assert run.read("pictures/a.jpg") == b"pixels"


def test_the_same_content_gives_the_same_bytes(run: RunFolder) -> None:
    table = pa.table({"value": np.arange(100)})
    for name in ("one", "two"):
        run.write_table(f"{name}.parquet", table)
        run.write_array(f"{name}.npy", np.arange(5))
    assert run.read("one.parquet") == run.read("two.parquet")
    assert run.read("one.npy") == run.read("two.npy")


def test_a_write_that_fails_midway_leaves_the_old_file_and_no_other(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.write_table("table.parquet", pa.table({"value": [1]}))
    run.write_text("note.md", "old")
    run.write_array("array.npy", np.zeros(3))
    before = everything_in(run.path)

    def half_a_table(_: pa.Table, path: Path, **__: object) -> None:
        path.write_bytes(b"PAR1 and then the power went")
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(pq, "write_table", half_a_table)
    with pytest.raises(StoreError, match=r"cannot write .*table\.parquet: Input/output error"):
        run.write_table("table.parquet", pa.table({"value": [2]}))
    monkeypatch.setattr(Path, "replace", refusing(errno.EIO))
    with pytest.raises(StoreError):
        run.write_text("note.md", "new")
    monkeypatch.setattr(np, "save", refusing(errno.ENOSPC))
    with pytest.raises(StoreError):
        run.write_array("array.npy", np.ones(3))
    assert everything_in(run.path) == before


def test_an_interruption_leaves_the_old_file_too(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write_table("table.parquet", pa.table({"value": [1]}))
    before = everything_in(run.path)

    def interrupted(_: pa.Table, path: Path, **__: object) -> None:
        path.write_bytes(b"PAR1")
        raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.write_table("table.parquet", pa.table({"value": [2]}))
    assert everything_in(run.path) == before


def test_a_folder_that_holds_something_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert RunFolder.create(tmp_path / "empty").manifest() == {"stages": {}}
    with pytest.raises(StoreError, match=r"already exists and is not empty; choose another .* --resume"):
        RunFolder.create(tmp_path / "empty")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(StoreError, match="taken already exists"):
        RunFolder.create(tmp_path / "taken")
    with pytest.raises(StoreError, match=r"cannot write .*taken"):
        RunFolder.create(tmp_path / "taken" / "below")
    with pytest.raises(StoreError, match="there is no run folder"):
        RunFolder.open(tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_an_unwritable_folder_says_where_to_go_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(Path, "mkdir", refusing(code))
    with pytest.raises(StoreError, match=r"cannot write .*here: it is not writable for you; choose another .* --out"):
        RunFolder.create(tmp_path / "here")


def test_a_full_disk_says_how_to_go_on(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write_text("note.md", "old")
    monkeypatch.setattr(Path, "write_bytes", refusing(errno.ENOSPC, "No space left on device"))
    with pytest.raises(
        StoreError, match=r"the disk is full; free some space, then continue .*What was finished before"
    ):
        run.write_text("note.md", "new")
    monkeypatch.undo()
    assert run.read_text("note.md") == "old"
    assert sorted(everything_in(run.path)) == [MANIFEST, "note.md"]


def test_stages_are_remembered_and_forgotten(run: RunFolder) -> None:
    assert not run.is_done("images")
    run.mark_done("images", {"used": 3})
    run.mark_done("atlas", {})
    run.update_manifest({"seed": 4})
    run.write_text("atlas/10.txt", "x")
    run.write_text("cells.txt", "x")
    reopened = RunFolder.open(run.path)
    assert reopened.manifest() == {"stages": {"images": {"used": 3}, "atlas": {}}, "seed": 4}
    reopened.forget(["atlas", "never"], ["atlas/*", "cells.txt", "missing.txt"])
    assert reopened.is_done("images")
    assert not reopened.is_done("atlas")
    assert sorted(everything_in(run.path)) == [MANIFEST]


def test_a_folder_within_a_run_has_its_own_stages(run: RunFolder) -> None:
    run.update_manifest({"seed": 4})
    run.mark_done("images", {})
    inner = RunFolder.within(run, "trials/mine")
    assert inner.manifest() == {"seed": 4, "stages": {}}
    inner.mark_done("images", {"used": 1})
    assert RunFolder.within(run, "trials/mine").is_done("images")
    assert run.manifest() == {"seed": 4, "stages": {"images": {}}}


@pytest.mark.parametrize(("text", "said"), [("{", "is not JSON"), ("[1]", "does not hold an object")])
def test_a_broken_manifest_cannot_be_continued(run: RunFolder, text: str, said: str) -> None:
    run.write_text(MANIFEST, text)
    with pytest.raises(StoreError, match=said):
        RunFolder.open(run.path)


def test_missing_and_broken_files_are_named(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no run folder .*nowhere; 'auditor run' makes one"):
        RunFolder.open(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"holds no a\.json; run the stage that makes it first"):
        run.read_text("a.json")
    with pytest.raises(StoreError, match=r"holds no a\.parquet"):
        run.read_table("a.parquet")
    with pytest.raises(StoreError, match="cannot be read as an array"):
        run.read_array("a.npy")
    run.write_text("b.parquet", "no table")
    with pytest.raises(StoreError, match="cannot be read as parquet"):
        run.read_table("b.parquet")
    run.write_text("b.npy", "no array")
    with pytest.raises(StoreError, match="cannot be read as an array"):
        run.read_array("b.npy")


def test_large_arrays_are_mapped_and_what_is_damaged_is_told(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = {"vectors": np.arange(12.0, dtype=np.float32).reshape(3, 4), "y": np.arange(3)}
    run.write_arrays("cache/samples", arrays)
    read = run.read_arrays("cache/samples")
    monkeypatch.setattr("auditor.run.folder.MAPPED_FROM", 1)
    mapped = run.read_arrays("cache/samples")
    for found in (read, mapped):
        assert {name: one.tolist() for name, one in found.items()} == {
            name: one.tolist() for name, one in arrays.items()
        }
    assert read["y"].flags.writeable
    assert not mapped["y"].flags.writeable
    file = run.path / "cache" / "samples"
    file.write_bytes(file.read_bytes()[:-1] + b"\x07")
    for least in (1, 2**28):
        monkeypatch.setattr("auditor.run.folder.MAPPED_FROM", least)
        with pytest.raises(DamagedFileError, match="others than were written"):
            run.read_arrays("cache/samples")
        with pytest.raises(StoreError, match="holds no cache/other"):
            run.read_arrays("cache/other")


def test_small_tables_are_gathered_before_they_are_joined(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.run.parquet._GATHERED_ROWS", 5)
    for number in range(5):
        run.write_table(f"parts/{number}.parquet", pa.table({"number": [number, number]}))
    assert run.join_tables("all.parquet", [f"parts/{number}.parquet" for number in range(5)]) == 10
    assert run.read_table("all.parquet")["number"].to_pylist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    joined = pq.ParquetFile(run.path / "all.parquet").metadata
    assert [joined.row_group(group).num_rows for group in range(joined.num_row_groups)] == [6, 4]


def test_tables_are_joined_in_the_order_given(run: RunFolder) -> None:
    for number, values in enumerate(([1, 2], [3], [])):
        run.write_table(f"parts/{number}.parquet", pa.table({"value": pa.array(values, pa.int64())}))
    rows = run.join_tables("all.parquet", ["parts/1.parquet", "parts/0.parquet", "parts/2.parquet"])
    assert run.read_table("all.parquet")["value"].to_pylist() == [3, 1, 2]
    assert rows == 3
    assert run.matching(["parts/*"]) == ["parts/0.parquet", "parts/1.parquet", "parts/2.parquet"]
    with pytest.raises(StoreError, match=r"holds no parts/9\.parquet"):
        rows = run.join_tables("all.parquet", ["parts/0.parquet", "parts/9.parquet"])
    assert run.read_table("all.parquet")["value"].to_pylist() == [3, 1, 2]


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    write_new_file(tmp_path / "audit.toml", "source")
    with pytest.raises(StoreError, match="already exists; it is left as it is"):
        write_new_file(tmp_path / "audit.toml", "other")
    assert (tmp_path / "audit.toml").read_text() == "source"
    with pytest.raises(StoreError, match="cannot write"):
        write_new_file(tmp_path / "no folder" / "audit.toml", "source")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("c-001", "c-001"), ("Random cell crop", "random-cell-crop"), ("  ../A b ", "a-b"), ("", "x"), ("麺", "x")],
)
def test_names_become_fit_for_files(text: str, wanted: str) -> None:
    assert slug(text) == wanted


def test_a_star_stays_in_its_folder() -> None:
    assert matches("cache/trials/a.parquet", "cache/trials/*")
    assert matches("atlas/10.webp", "atlas/*.webp")
    assert not matches("cache/cells.parquet", "cells.parquet")
    assert not matches("candidates/more/a.png", "candidates/*")
    assert not matches("candidates", "candidates/*")


def test_through_a_stages_folder_no_other_file_can_be_written(run: RunFolder) -> None:
    stage = run.only(("cells.parquet", "atlas/*"))
    stage.write("atlas/10.webp", b"sheet")
    stage.update_manifest({"seed": 1})
    with pytest.raises(StoreError, match=r"trials\.parquet belongs to another stage than the one that writes cells"):
        stage.write("trials.parquet", b"")
    with pytest.raises(StoreError, match="belongs to another stage"):
        stage.write("cache/cells.parquet", b"")
    assert not run.has("trials.parquet")


def test_one_process_at_a_time_works_in_a_folder(run: RunFolder) -> None:
    """Also where it is the same process: what counts is who holds the folder, and that nobody does afterwards."""
    with run.alone():
        with (
            pytest.raises(StoreError, match=r"another auditor is at work in .*first; wait until it has ended"),
            run.alone(),
        ):
            pass
        assert everything_in(run.path).keys() == {MANIFEST}
    with run.alone():
        pass


def test_a_process_that_was_killed_holds_no_folder(run: RunFolder) -> None:
    code = (
        "import sys, time; from pathlib import Path; from auditor.run.folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).alone():\n    print('at work', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "at work\n"
        with pytest.raises(StoreError, match="another auditor is at work"), run.alone():
            pass
        other.kill()
    with run.alone():
        pass


def test_a_file_system_that_locks_no_folder_is_worked_on_all_the_same(run: RunFolder, monkeypatch) -> None:
    monkeypatch.setattr("auditor.run.writing.fcntl.flock", refusing(errno.ENOLCK))
    with run.alone():
        run.write_text("note.md", "kept")
    assert run.has("note.md")
