"""Runs that end too early: nothing half-written, a way on, and the same bytes in the end."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file, save_file

from auditor.run.folder import RunFolder
from auditor.trials.sweep import Sweep

Break = Callable[[pytest.MonkeyPatch], None]


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def after_the_pictures(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("auditor.run.stages.clean.predict_clean", stop)


def at_sweep(number: int) -> Break:
    def interrupt(patch: pytest.MonkeyPatch) -> None:
        run, swept = Sweep.run, []

        def counted(*arguments: object, **named: object) -> object:
            swept.append(1)
            if len(swept) == number:
                raise KeyboardInterrupt
            return run(*arguments, **named)

        patch.setattr(Sweep, "run", counted)

    return interrupt


def while_writing(file: str) -> Break:
    def interrupt(patch: pytest.MonkeyPatch) -> None:
        write_bytes = Path.write_bytes
        opened: list[str] = []
        replacing = RunFolder._replacing

        def remembered(run: RunFolder, name: str) -> object:
            opened.append(name)
            return replacing(run, name)

        def half(path: Path, data: bytes) -> int:
            if opened and opened[-1] == file:
                write_bytes(path, data[: len(data) // 2])
                raise KeyboardInterrupt
            return write_bytes(path, data)

        patch.setattr(RunFolder, "_replacing", remembered)
        patch.setattr(Path, "write_bytes", half)

    return interrupt


def before_the_report(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("auditor.run.pipeline.assemble", stop)


INTERRUPTIONS = {
    "after the pictures": after_the_pictures,
    "while writing a candidate": while_writing("candidates/c-003.png"),
    "in the selection trials": at_sweep(18),
    "in the confirmation": at_sweep(46),
    "before the report": before_the_report,
    "while writing the report": while_writing("report.html"),
}


def check_whole(folder: Path) -> None:
    """Every file that is there can be read."""
    assert not [path for path in folder.rglob("*") if path.name.startswith(".") or path.suffix == ".part"]
    for path in folder.rglob("*.parquet"):
        pq.read_table(path)
    for path in folder.rglob("*.json"):
        json.loads(path.read_text())


@pytest.mark.parametrize("where", INTERRUPTIONS)
def test_an_interrupted_run_ends_in_the_same_findings(where, world, invoke, finished, tmp_path) -> None:
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        INTERRUPTIONS[where](patch)
        stopped = invoke("run", world.config, "--out", folder)
    assert stopped.exit_code == 2
    assert "interrupted; what was finished is kept" in stopped.stderr
    assert f"continue with: auditor run --resume {folder}" in stopped.stderr
    assert stopped.stdout == ""
    check_whole(folder)
    assert not (folder / "report.html").exists()

    resumed = invoke("run", "--resume", folder)
    assert resumed.exit_code == finished[1].exit_code
    assert (folder / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()
    assert resumed.stdout.rsplit("report:", 1)[0] == finished[1].stdout.rsplit("report:", 1)[0]


def test_resuming_a_finished_run_changes_nothing(invoke, finished, own_run, monkeypatch) -> None:
    monkeypatch.setattr(Sweep, "run", stop)
    again = invoke("run", "--resume", own_run)
    assert again.exit_code == finished[1].exit_code
    assert (own_run / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()


@pytest.mark.parametrize("number", [1, 2, 9, 60])
def test_a_full_disk_says_so_and_loses_nothing(number, world, invoke, finished, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "run"
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.MonkeyPatch.context() as patch:
        replacing, written = RunFolder._replacing, []

        def filled(run: RunFolder, name: str) -> object:
            written.append(name)
            if len(written) >= number:
                patch.setattr("auditor.run.writing.tempfile.mkstemp", lambda **_: (_ for _ in ()).throw(full))
            return replacing(run, name)

        patch.setattr(RunFolder, "_replacing", filled)
        stopped = invoke("run", world.config, "--out", folder)
    assert stopped.exit_code == 2
    assert "the disk is full" in stopped.stderr
    assert str(folder / written[number - 1]) in stopped.stderr
    if number == 1:  # not even the manifest could be written, so there is no run to continue
        assert not list(folder.iterdir())
        assert invoke("run", world.config, "--out", folder).exit_code == finished[1].exit_code
        return
    check_whole(folder)
    assert f"auditor run --resume {folder}" in stopped.stderr
    assert invoke("run", "--resume", folder).exit_code == finished[1].exit_code
    assert (folder / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()


def test_changed_weights_are_noticed(own_world, invoke, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        after_the_pictures(patch)
        invoke("run", own_world.config, "--out", folder)
    state = load_file(own_world.folder / "weights.safetensors")
    save_file({name: 2 * value for name, value in state.items()}, own_world.folder / "weights.safetensors")
    result = invoke("run", "--resume", folder)
    assert result.exit_code == 2
    assert "weights.safetensors have changed since" in result.stderr
    assert "start a new run" in result.stderr


@pytest.mark.parametrize("change", ["gone", "other bytes"])
def test_changed_pictures_are_noticed(change, own_world, invoke, tmp_path) -> None:
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.run.stages.candidates.propose", stop)
        invoke("run", own_world.config, "--out", folder)
    for path in (own_world.folder / "photos").rglob("*.png"):
        if change == "gone":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes() + b"\0")
    result = invoke("run", "--resume", folder)
    assert result.exit_code == 2
    assert {"gone": "more gone", "other bytes": "more changed"}[change] in result.stderr
    assert "photos" in result.stderr
    assert ".png" in result.stderr


def test_resume_takes_no_other_settings(world, invoke, own_run) -> None:
    for extra in ([world.config], ["--seed", "9"], ["--out", "elsewhere"], ["--target", "pink cup"]):
        result = invoke("run", "--resume", own_run, *extra)
        assert result.exit_code == 2
        assert "--resume continues a run with the settings it was begun with" in result.stderr


def test_resume_needs_a_run(invoke, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text('{"stages": {')
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "manifest.json").write_text("{}")
    said = {
        "nowhere": "there is no run folder",
        "empty": "manifest.json",
        "broken": "is not JSON",
        "foreign": "holds no configuration",
    }
    for name, sentence in said.items():
        result = invoke("run", "--resume", tmp_path / name)
        assert result.exit_code == 2
        assert sentence in result.stderr
        assert name in result.stderr
        assert "continue with" not in result.stderr
