"""The table of stages: what follows from it, and that any lost file of a finished run is made again."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import Result

from auditor.run.folder import RunFolder, matches
from auditor.run.pipeline import REPORT, STAGES, followers, stage_named
from auditor.trials.sweep import Sweep


def test_each_stage_stands_behind_what_it_needs() -> None:
    before: set[str] = set()
    for stage in STAGES:
        assert {needed.name for needed in stage.needs} <= before, stage.name
        before.add(stage.name)
    assert len(before) == len(STAGES)


def test_a_file_has_one_stage_that_writes_it(finished: tuple[Path, Result]) -> None:
    """No pattern of one stage names a file of another; what a stage needs, it writes."""
    run = RunFolder.open(finished[0])
    files = [path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()]
    for file in files:
        writers = [stage.name for stage in STAGES if any(matches(file, pattern) for pattern in stage.files)]
        assert len(writers) == (file != "manifest.json"), (file, writers)
    for one, other in itertools.combinations(STAGES, 2):
        assert not set(one.files) & set(other.files)
    for stage in STAGES:
        assert set(stage.needed) <= set(stage.files)


def test_what_follows_from_a_stage_is_dropped_with_it() -> None:
    def names(stage: str) -> list[str]:
        return [one.name for one in followers(stage_named(stage))]

    assert names("images") == [stage.name for stage in STAGES]
    behind = ["needed", "report", "places", "survival", "looks"]
    assert names("atlas") == ["atlas", "icons", "candidates", "sheets", "explorer", "trials", *behind]
    assert names("candidates") == ["candidates", "sheets", "explorer", "trials", *behind]
    assert names("trials") == ["trials", *behind]
    assert names("needed") == ["needed", "report"]
    assert names("places") == ["places"]
    assert names("survival") == ["survival"]
    assert names("looks") == ["looks"]


def test_any_lost_file_is_made_again(invoke, finished: tuple[Path, Result], own_run: Path) -> None:
    """Each file of a finished run, one of each stage at once: gone, then resumed, and the findings are the same."""
    expected = (own_run / "findings.json").read_bytes()
    files = sorted(path.relative_to(own_run).as_posix() for path in own_run.rglob("*") if path.is_file())
    needed = {file for stage in STAGES for file in RunFolder.open(own_run).files_of(stage.name)}
    assert len(needed) > 50
    # files of one pattern are lost in one way, so that one stands for the others
    alike = [[[file for file in files if matches(file, pattern)] for pattern in stage.files] for stage in STAGES]
    of_stages = [sorted({found[0] for found in of_stage if found}) for of_stage in alike]
    for at_once in itertools.zip_longest(*of_stages):
        some = [file for file in at_once if file]
        for file in some:
            (own_run / file).unlink()
        result = invoke("run", "--resume", own_run)
        assert result.exit_code == finished[1].exit_code, (some, result.output)
        assert (own_run / "findings.json").read_bytes() == expected, some
        for file in some:
            assert (own_run / file).exists() == (file in needed), file


def test_a_finished_run_reads_no_trials_and_makes_no_control(invoke, own_run: Path, monkeypatch) -> None:
    read: list[str] = []
    table, bytes_of = RunFolder.read_table, RunFolder.read
    monkeypatch.setattr(RunFolder, "read_table", lambda self, file: read.append(file) or table(self, file))
    monkeypatch.setattr(RunFolder, "read", lambda self, file: read.append(file) or bytes_of(self, file))
    monkeypatch.setattr(Sweep, "run", None)
    monkeypatch.setattr("auditor.candidates.confirmation.make_controls", None)
    assert invoke("run", "--resume", own_run).exit_code == 3
    assert [file for file in read if file.endswith(".parquet")] == [
        "cells.parquet",
        "trials.parquet",
    ]  # where pictures went, for the report
    assert [file for file in read if file.startswith("cache/")] == []


def test_what_a_person_asked_for_is_no_stages(world, invoke, own_run: Path) -> None:
    """Photographs looked at are neither shown as flipped pictures nor dropped with the candidates."""
    photograph = world.folder / "photos" / "red pan" / "00.png"
    asked = Path(invoke("look", own_run, photograph).stdout.strip())
    icons = Path(invoke("icons", own_run, "--channels", "6").stdout.strip())
    (own_run / "pictures" / "look-mine.png").write_bytes(asked.read_bytes())
    assert invoke("report", own_run).exit_code == 3
    html = (own_run / "report.html").read_text()
    assert asked.stem not in html
    assert "look-mine" not in html
    assert invoke("suggest", own_run).exit_code == 0
    assert asked.exists()
    assert icons.exists()


def test_cells_are_written_with_the_pushes_of_the_candidates_that_are_there(invoke, own_run: Path) -> None:
    before = (own_run / "cells.parquet").read_bytes()
    shutil.rmtree(own_run / "cache" / "icons")
    (own_run / "cells.parquet").write_bytes(b"")
    (own_run / "cells.parquet").unlink()
    assert invoke("suggest", own_run).exit_code == 0
    assert (own_run / "cells.parquet").read_bytes() == before


def test_the_report_comes_before_what_decorates_it(world, invoke, tmp_path: Path, finished) -> None:
    config = world.edited("looks.toml", ("looks = 0", "looks = 1"))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.run.stages.looks.look_at", stop)
        assert invoke("run", config, "--out", folder).exit_code == 2
    expected, found = (json.loads((one / "findings.json").read_text()) for one in (finished[0], folder))
    for behind in ("places", "survival"):
        measured, not_yet = ([one.pop(behind) for one in each["findings"]] for each in (expected, found))
        assert (any(measured), any(not_yet)) == (True, False)
    assert found == expected
    assert RunFolder.open(folder).is_done(REPORT.name)
    caption = "What the network sees before and after"
    assert caption not in (folder / "report.html").read_text()
    assert invoke("run", "--resume", folder).exit_code == 3
    assert len(list((folder / "pictures").glob("look-*"))) == 1
    assert caption in (folder / "report.html").read_text()
