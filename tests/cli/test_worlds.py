"""`auditor worlds`: the list, and what is said of a world that is not there or not whole."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path

import pytest

from auditor.inputs.world.planted import WORLDS
from auditor.inputs.world.planted_bundle import PictureCounts
from auditor.run.worlds import budget
from auditor.run.worlds.listing import strength_words
from auditor.run.worlds.train import TrainingSettings

SMALL = TrainingSettings(
    per_class=48, held_out_per_class=4, effect_pictures=8, start_epochs=(("residual", 8),), epochs=(("residual", 4),)
)
FEW = {
    "screened": 24, "shortlisted": 8, "screening_images": 4, "tried": 4, "shapes": 0, "pairs": 0, "made": 1,
    "library": False, "confirmed": 2, "random": 4, "strongest": 2,
}  # fmt: skip


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worlds that are built and audited in seconds."""
    monkeypatch.setattr(TrainingSettings.__init__, "__defaults__", astuple(SMALL))
    monkeypatch.setattr(PictureCounts.__init__, "__defaults__", (4, 12, 24, 40))
    monkeypatch.setitem(budget.REDUCED, "candidates", {**budget.REDUCED["candidates"], **FEW})
    monkeypatch.setattr("auditor.run.worlds.fresh.FRESH_PICTURES", 20)


def test_the_list_names_every_world_and_what_is_built(invoke, tmp_path: Path) -> None:
    result = invoke("worlds", "list", "--cache", tmp_path)
    assert result.exit_code == 0
    for name in WORLDS:
        assert name in result.stdout
    assert result.stdout.count("not built") == len(WORLDS)


def test_the_list_says_how_a_cue_was_planted() -> None:
    told = {name: strength_words(WORLDS[name]) for name in ("noodles", "vegetables", "meat", "mark", "tag")}
    assert told == {
        "noodles": "95%",
        "vegetables": "95%, 60% of pizza, labels changed on 3%",
        "meat": "60% of the others",
        "mark": "95%, labels changed on 2%",
        "tag": "16%, 16% of the others, labels changed on 3%",
    }


def test_an_unknown_world_is_a_sentence(invoke, tmp_path: Path) -> None:
    for command in ("list", "build"):
        result = invoke("worlds", command, "nodles", "--cache", tmp_path)
        assert result.exit_code == 2
        assert "world 'nodles' is not in the planted worlds; the nearest is 'noodles'" in " ".join(
            result.stderr.split()
        )


def test_a_half_built_world_is_named_in_the_list(invoke, tmp_path: Path) -> None:
    (tmp_path / "noodles" / "planted").mkdir(parents=True)
    (tmp_path / "noodles" / "planted" / "weights.safetensors").write_bytes(b"")
    result = invoke("worlds", "list", "noodles", "--cache", tmp_path)
    assert result.exit_code == 0
    assert "damaged" in result.stdout
    told = " ".join(result.stderr.split())
    assert "is half built; build it again with 'auditor worlds build noodles' and the same --cache" in told


def test_a_cache_that_cannot_be_written_is_a_sentence(invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = invoke("worlds", "build", "noodles", "--cache", tmp_path / "file")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_a_world_is_built_and_scored_and_a_killed_score_goes_on(small, invoke, tmp_path: Path) -> None:
    cache, out = tmp_path / "cache", tmp_path / "scored"
    missing = invoke("worlds", "score", "noodles", "--seeds", "1", "--cache", cache, "--out", out)
    assert missing.exit_code == 2
    assert "build it with 'auditor worlds build noodles'" in " ".join(missing.stderr.split())
    built = invoke("worlds", "build", "noodles", "--cache", cache)
    assert built.exit_code == 0, built.output
    assert "built" in built.stdout

    scored = invoke("worlds", "score", "noodles", "--seeds", "1", "--cache", cache, "--out", out)
    assert scored.exit_code == 0, scored.output
    assert "1 world, 1 seed: audits of 1 planted network and 1 clean twin." in scored.stdout
    assert sorted(path.name for path in (out / "rows").iterdir()) == ["noodles-planted-0.json", "noodles-twin-0.json"]
    board = (out / "scoreboard.md").read_text()
    before = (out / "rows" / "noodles-planted-0.json").read_text()

    # a row of an earlier version is completed from its audit
    row = json.loads(before)
    assert row["named"] >= row["held"]
    result = json.loads((out / "runs" / "seed-0" / "noodles-planted" / "findings.json").read_text())
    first = next(one for one in result["findings"] if one["candidate"] == row["first"]["candidate"])
    assert row["largest"] >= first["uplift"] - 1e-9
    since = ("named", "rank_of_named", "fresh", "largest", "version")
    earlier = {name: row[name] for name in row if name not in since}
    (out / "rows" / "noodles-planted-0.json").write_text(json.dumps({**earlier, "p_shortcut": 0.5, "verdict": ""}))

    # as if it had been killed at the end of the second audit
    (out / "rows" / "noodles-twin-0.json").unlink()
    run = out / "runs" / "seed-0" / "noodles-twin"
    trials = {path: path.stat().st_mtime_ns for path in (run / "cache" / "trials").iterdir()}
    (run / "result.json").unlink()
    again = invoke("worlds", "score", "noodles", "--seeds", "1", "--cache", cache, "--out", out)
    assert again.exit_code == 0, again.output
    assert (out / "rows" / "noodles-planted-0.json").read_text() == before
    assert {path: path.stat().st_mtime_ns for path in trials} == trials  # nothing was measured twice

    def without_cost(text: str) -> list[str]:
        return [line for line in text.splitlines() if "an audit, " not in line]

    assert without_cost((out / "scoreboard.md").read_text()) == without_cost(board)
