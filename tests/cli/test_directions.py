"""Both directions of a pair in one run: the same findings as alone, one page, one exit code, one ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from auditor.core.errors import ModelError
from auditor.inputs import opening
from auditor.run import directions
from tests.tiny_world import World

QUICK = (
    ("screened = 24", "screened = 8\nown_places = 0\nwhole_pictures = 0"),
    ("tried = 6\nrandom = 6\nstrongest = 3\nicons = 2\ndreams = 1\nshapes = 2\npairs = 2\nmade = 4\ntrained = 3",
     "tried = 2\nrandom = 1\nstrongest = 0\nicons = 0\ndreams = 0\nshapes = 0\npairs = 0\nmade = 1\ntrained = 0"),
    ("confirmed = 3", "confirmed = 1"),
    ("findings = 1", "findings = 0"),
    ("icons = 6", "icons = 0"),
    ("pictures = 4\n\n[survival]", "pictures = 0\n\n[survival]"),
)  # fmt: skip


def test_both_directions(world: World, invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, folder = world.edited("both.toml", *QUICK), tmp_path / "both"
    load, loaded = opening.load_classifier, []
    monkeypatch.setattr(opening, "load_classifier", lambda *given: loaded.append(1) or load(*given))
    go_on = directions.continue_run

    def interrupted(run: object, *given: object, **more: object) -> object:
        if "blue-wok-to" in str(run.path):  # type: ignore[attr-defined]
            raise ModelError("the machine is wanted")
        return go_on(run, *given, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(directions, "continue_run", interrupted)
        stopped = invoke("run", config, "--both-directions", "--out", folder)
    assert stopped.exit_code == 2
    assert f"run --resume {folder} --both-directions" in stopped.stderr
    assert "The other direction is not finished." in (folder / "index.html").read_text()
    loaded.clear()
    finished: Result = invoke("run", "--resume", folder, "--both-directions")
    assert len(loaded) == 1  # the second direction takes what the first one opened
    results = {name: json.loads((folder / name / "result.json").read_text()) for name in NAMES}
    words = [result["verdict"] for result in results.values()]
    worst = next(code for word, code in (("fail", 1), ("inconclusive", 3), ("pass", 0)) if word in words)
    assert finished.exit_code == worst
    assert [result["source"]["name"] for result in results.values()] == ["red pan", "blue wok"]
    page = (folder / "index.html").read_text()
    for name in NAMES:
        assert f'href="{name}/report.html"' in page
        assert (folder / name / "report.html").is_file()
    assert "red pan → blue wok" in finished.stdout
    assert "blue wok → red pan" in finished.stdout
    # one ledger beside the folder of both, as beside any run
    looks = [json.loads(line) for line in (tmp_path / "looks.jsonl").read_text().splitlines()]
    assert [(look["source"], look["target"]) for look in looks] == [([0], [1]), ([1], [0])]
    assert not (folder / "looks.jsonl").exists()


NAMES = ("red-pan-to-blue-wok", "blue-wok-to-red-pan")


def test_what_cannot_be_both_directions(world: World, invoke, finished: tuple[Path, Result], tmp_path: Path) -> None:
    every = world.edited("every.toml", ('source = "red pan"', 'source = "*"'))
    assert "no target can be that" in invoke("run", every, "--both-directions", "--out", tmp_path / "one").stderr
    assert not (tmp_path / "one").exists()
    run, _ = finished
    refused = invoke("run", "--resume", run, "--both-directions")
    assert (refused.exit_code, "no folder of both directions" in refused.stderr) == (2, True)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "notes.txt").write_text("mine")
    taken = invoke("run", world.config, "--both-directions", "--out", tmp_path / "two")
    assert (taken.exit_code, "is not empty" in taken.stderr) == (2, True)
    beside = invoke("run", "--resume", run, "--both-directions", "--seed", "3")
    assert (beside.exit_code, "give no others beside it" in beside.stderr) == (2, True)
