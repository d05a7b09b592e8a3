"""Two networks on the same pictures and patches, held against each other from the command line; lists of runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import Result

from auditor.core.records import Verdict
from auditor.run.beside.comparison import compare_runs
from auditor.run.folder import RunFolder
from auditor.run.stages.report import stored_result
from auditor.run.upgrade import open_folder
from tests.tiny_world import World

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def patches(finished: tuple[Path, Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The patches that the finished run confirmed, in a folder of their own."""
    folder = tmp_path_factory.mktemp("patches") / "found"
    folder.mkdir()
    for name in {finding.candidate.id for finding in stored_result(RunFolder.open(finished[0])).findings}:
        shutil.copy(finished[0] / "candidates" / f"{name}.png", folder)
    return folder


@pytest.fixture(scope="module")
def tried(world: World, invoke: Invoke, patches: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The patches tried on a network that makes so much of yellow spots; the world's own makes 800 of them."""

    def build(spots: float) -> Path:
        weights = load_file(world.folder / "weights.safetensors")
        weights["head.weight"][1, 6] = spots
        name = f"spots-{spots:g}"
        save_file(weights, world.folder / f"{name}.safetensors")
        config = world.edited(f"{name}.toml", ('weights = "weights.safetensors"', f'weights = "{name}.safetensors"'))
        folder = tmp_path_factory.mktemp("later") / name
        result = invoke("trial", config, "--patches", patches, "--out", folder)
        assert result.exit_code in (0, 1, 3), result.output
        return folder / "patch-trials" / "found"

    return build


@pytest.fixture(scope="module")
def blind(tried: Callable[..., Path]) -> Path:
    """A network that sees no spots."""
    return tried(0.0)


@pytest.fixture(scope="module")
def same(tried: Callable[..., Path]) -> Path:
    """The world's own network once more."""
    return tried(800.0)


def test_a_network_that_sees_no_spots_is_not_worse_and_the_way_back_is(
    finished: tuple[Path, Result], blind: Path, same: Path, invoke: Invoke, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    forth = invoke("compare", finished[0], blind, "--margin", "15", "--out", page, "-v")
    assert forth.exit_code == 0, forth.output
    assert "not worse" in forth.output
    assert "placement, confirmed in run: it was not tried under own placement in both runs" in forth.stderr
    assert "none flips more" in " ".join(forth.output.split())
    html = page.read_text()
    assert html.startswith("<!DOCTYPE html>")
    assert "data:image/png" in html
    back = invoke("compare", blind, same, "--margin", "15", "--json")
    assert back.exit_code == 1, back.output
    changes = json.loads(back.output)["comparisons"][0]["changes"]
    assert (changes[0]["says"], changes[0]["becomes"]) == ("worse", "new")
    assert changes[0]["change"] == max(change["change"] for change in changes)


def test_the_counts_are_those_of_the_trials(finished: tuple[Path, Result], blind: Path) -> None:
    comparison = compare_runs(open_folder(finished[0]), open_folder(blind))
    first = {one.candidate.id: one for one in stored_result(RunFolder.open(finished[0])).findings}
    second = {one.candidate.sha256: one for one in stored_result(RunFolder.open(blind)).findings}
    own = {one.candidate.id for one in first.values() if one.candidate.spot is not None}
    assert {change.candidate.id for change in comparison.changes} == set(first)
    assert [one.why for one in comparison.left_out] == ["it was not tried under own placement in both runs"] * len(own)
    for change in comparison.changes:
        if change.candidate.id in own:
            continue  # compared at the corner, where it was surveyed
        mine = first[change.candidate.id]
        theirs = second[mine.candidate.sha256]
        # both networks call the same source pictures source
        assert (change.images, change.first_flips) == (mine.eligible, mine.flips)
        assert change.second_flips == theirs.flips
        assert change.other_id == theirs.candidate.id
        assert change.change == pytest.approx((theirs.flips - mine.flips) / mine.eligible)
        assert change.interval.low <= change.change <= change.interval.high
        assert (change.first_word, change.second_word) == (mine.word, theirs.word)


def test_the_same_network_changes_nothing(finished: tuple[Path, Result], same: Path, invoke: Invoke) -> None:
    result = invoke("compare", finished[0], same, "--json", "--margin", "30")
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)["comparisons"][0]
    assert {change["change"] for change in told["changes"]} == {0.0}
    assert told["says"] == "not worse"
    # of the search's run it awaits a look, and of a person's own patches it fails: nothing that the network does is new
    words = {(change["first_verdict"], change["second_verdict"], change["becomes"]) for change in told["changes"]}
    assert ("inconclusive", "fail", "") in words
    few = invoke("compare", finished[0], finished[0], "--margin", "0")  # no margin: no number of pictures settles it
    assert few.exit_code == 3, few.output


def test_what_cannot_be_compared_is_refused_with_why(
    finished: tuple[Path, Result], world: World, invoke: Invoke, tmp_path: Path, own_run: Path
) -> None:
    other = world.edited("other-pair.toml", ('target = "blue wok"', 'target = "pink cup"'))
    folder = tmp_path / "other"
    assert invoke("run", other, "--out", folder).exit_code in (0, 1, 3)
    refused = invoke("compare", finished[0], folder)
    assert refused.exit_code == 2
    assert "runs of one pair can be compared" in " ".join(refused.output.split())
    (own_run / "result.json").unlink()
    refused = invoke("compare", finished[0], own_run)
    assert refused.exit_code == 2
    assert "holds no result yet" in " ".join(refused.output.split())
    assert invoke("compare", finished[0], finished[0], "--margin", "100").exit_code == 2
    assert invoke("compare", finished[0], tmp_path / "nowhere").exit_code == 2


def test_runs_are_listed_and_told_by_pair(
    finished: tuple[Path, Result], own_run: Path, invoke: Invoke, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(finished[0], runs / "deep" / "first")
    shutil.copytree(own_run, runs / "second")
    manifest = json.loads((runs / "second" / "manifest.json").read_text())
    manifest["begun"] = "2030-01-02T03:04:05+00:00"
    (runs / "second" / "manifest.json").write_text(json.dumps(manifest))
    shutil.copytree(own_run, runs / "third")
    (runs / "third" / "result.json").unlink()
    (runs / "broken").mkdir()
    (runs / "broken" / "manifest.json").write_text("{")
    (runs / "no-run").mkdir()
    (runs / "no-run" / "manifest.json").write_text('{"name": "an extension"}')
    told = {Path(run["run"]).name: run for run in json.loads(invoke("list", runs, "--json").output)["runs"]}
    assert set(told) == {"first", "second", "third", "broken"}
    result = stored_result(RunFolder.open(finished[0]))
    held = [finding for finding in result.findings if finding.held_to_limit]
    assert told["first"]["verdict"] == str(result.verdict)
    assert told["first"]["strongest"]["uplift"] == max(finding.uplift for finding in held)
    assert (told["third"]["verdict"], told["third"]["stage"] != "") == (None, True)
    assert "manifest" in told["broken"]["problem"]
    assert invoke("list", runs).output.index("second") < invoke("list", runs).output.index("deep/first")
    pairs = json.loads(invoke("history", runs, "--json").output)["pairs"]
    assert [Path(run["run"]).name for run in pairs[0]["runs"]] == ["first", "second"]
    assert " 0.0 " in invoke("history", runs).output
    assert invoke("list", tmp_path / "nowhere").exit_code == 2
    (tmp_path / "empty").mkdir()
    assert "no run lies below" in " ".join(invoke("list", tmp_path / "empty").output.split())


def test_the_report_is_opened_in_a_browser_where_there_is_one(
    finished: tuple[Path, Result], own_run: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.get", lambda: None)
    monkeypatch.setattr("webbrowser.open", opened.append)
    result = invoke("open", finished[0])
    assert result.exit_code == 0
    assert opened == [(finished[0] / "report.html").resolve().as_uri()]
    (own_run / "report.html").unlink()
    assert invoke("open", own_run).exit_code == 2
    assert len(opened) == 1


def test_words_of_a_comparison_are_of_three() -> None:
    from auditor.report.comparison import WORDS

    assert set(WORDS) == set(Verdict) - {Verdict.NOT_HELD}
