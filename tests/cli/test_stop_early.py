"""A confirmation that ends where it is settled, through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from typer.testing import Result

from auditor.report.findings_json import schema
from auditor.statistics.exact import p_at_least
from auditor.statistics.paired import PairedCounts
from auditor.statistics.stopping import level_shares, look_sizes
from auditor.trials.sweep import Sweep
from tests.tiny_world import World, draw

SMALLER = (
    (
        "tried = 6\nrandom = 6\nstrongest = 3\nicons = 2",
        "tried = 6\nrandom = 2\nstrongest = 1\nwhole_pictures = 0\nicons = 0",
    ),
    ("trained = 3", "trained = 0"),
    ("repeats = 1", "repeats = 0"),
    ("pictures = 4\n\n[survival]", "pictures = 0\n\n[survival]"),
)


@pytest.fixture
def larger(own_world: World) -> World:
    """With sixty more pictures of the source, so that there is something to look at twice."""
    generator = np.random.default_rng(3)
    for number in range(60):
        draw("red pan", generator).save(own_world.folder / "photos" / "red pan" / f"more-{number}.png")
    own_world.config.write_text(own_world.edited("smaller.toml", *SMALLER).read_text())
    return own_world


def test_findings_end_where_they_are_settled_whatever_the_batches_and_interruptions(
    larger: World, invoke: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = invoke("run", larger.config, "--stop-early", "--out", tmp_path / "run")
    assert said.exit_code in (0, 1, 3), said.output
    assert "confirmation may stop at" in " ".join(said.output.split())
    found = json.loads((tmp_path / "run" / "findings.json").read_text())
    Draft202012Validator(schema()).validate(found)
    there = found["eligible"]
    early = [one for one in found["findings"] if one["stopping"]["why"] == "settled"]
    assert early
    assert len(early) < len(found["findings"])  # one goes on to the end
    pastes = pd.read_parquet(tmp_path / "run" / "trials.parquet")
    pastes = pastes[pastes["split"] == "confirmation"]
    for one in found["findings"]:
        stopping = one["stopping"]
        assert one["eligible"] == stopping["pictures"] == one["control"]["eligible"]
        assert one["destinations"]["pictures"] == stopping["pictures"]
        assert (stopping["pictures"] < there) is (one in early)
        own = pastes[(pastes["candidate"] == one["candidate"]) & (pastes["placement"] == one["placement"])]
        # the first pictures by their keys, and no control on any other
        first = sorted(own["image"].unique())[: stopping["pictures"]]
        assert set(own[own["control"] != ""]["image"]) == set(first)
        flips = own[(own["control"] == "") & own["image"].isin(first)]
        assert (len(flips), int(flips["flip"].sum())) == (one["eligible"], one["flips"])
    compared = json.loads(invoke("compare", tmp_path / "run", tmp_path / "run", "--json").stdout)["comparisons"][0]
    stopping = {(one["candidate"], one["placement"]): one["stopping"] for one in found["findings"]}
    for change in compared["changes"]:  # of the same run, so that both looks were the same one
        look = stopping[change["candidate"], change["placement"]]
        share = level_shares(len(look_sizes(there)))[look["look"] - 1]
        table = PairedCounts(change["first_flips"], 0, 0, change["images"] - change["first_flips"])
        assert change["p_not_worse"] == pytest.approx(min(1.0, p_at_least(table, 0.05) / share**2))
    for file in ("report.html", "checklist.md"):
        assert f"of {there} eligible pictures" in (tmp_path / "run" / file).read_text()
    ticked = json.loads((tmp_path / "run" / "checklist.json").read_text())
    assert "holds other flips" not in json.dumps(ticked)

    config = larger.edited("ones.toml", ("batch_size = 16", "batch_size = 1\nstop_early = true"))
    swept: list[str] = []
    run = Sweep.run

    def counted(sweep: Sweep, rgba: object, variants: object, draw_key: str, *rest: object) -> object:
        swept.append(draw_key)
        if len(swept) == 60:  # within the confirmation
            raise KeyboardInterrupt
        return run(sweep, rgba, variants, draw_key, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Sweep, "run", counted)
        assert invoke("run", config, "--out", tmp_path / "ones").exit_code == 2
    invoke("run", "--resume", tmp_path / "ones")
    again = json.loads((tmp_path / "ones" / "findings.json").read_text())
    # probabilities differ in their last digits with the shape of a batch; nothing that is counted does
    same = (
        "candidate",
        "placement",
        "flips",
        "eligible",
        "stopping",
        "p_value",
        "p_below",
        "uplift_interval",
        "verdict",
    )
    assert [[one[key] for key in same] for one in again["findings"]] == [
        [one[key] for key in same] for one in found["findings"]
    ]


def test_it_does_not_go_with_a_limit_of_log_odds(world: World, invoke: Callable[..., Result], tmp_path: Path) -> None:
    config = world.edited("odds.toml", ("confidence = 0.8", "confidence = 0.8\nlog_odds = 2.0"))
    refused = invoke("run", config, "--stop-early", "--out", tmp_path / "run")
    assert refused.exit_code == 2
    assert "trials.stop_early and limits.log_odds do not go together" in " ".join(refused.output.split())
    assert not (tmp_path / "run").exists()


def test_who_has_many_pictures_is_told_what_they_might_save(
    larger: World, invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "stop" not in invoke("check", larger.config).stdout
    monkeypatch.setattr("auditor.run.estimate._MANY", 60)
    assert "with so many pictures trials.stop_early pays" in invoke("check", larger.config).stdout
    tested = larger.edited("log-odds.toml", ("[limits]", "[limits]\nlog_odds = 4.0"))
    assert "stop" not in invoke("check", tested).stdout  # which it does not go with
