"""Networks of which no layer can be mapped: the audit goes on with crops of every class, screened in pixels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

from tests.tiny_world import World

WITHOUT = "no layer is mapped, so there is no atlas, and crops of every class are screened in pixels"


def without_layer(world: World, name: str, *changes: tuple[str, str]) -> Path:
    return world.edited(name, ('layer = "features.3"\n', ""), *changes)


@pytest.fixture(scope="module")
def without_slopes(world: World, invoke, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    audit = without_layer(world, "slopes.toml", ("network.py:network", "network.py:without_slopes"))
    folder = tmp_path_factory.mktemp("slopes") / "run"
    return folder, invoke("run", audit, "--out", folder)


def test_an_audit_goes_on_without_an_atlas_and_says_so(without_slopes: tuple[Path, Result]) -> None:
    folder, result = without_slopes
    assert result.exit_code in (0, 1, 3), result.output
    assert f"{WITHOUT}: network.py:without_slopes gives its pictures no gradient" in " ".join(result.stderr.split())
    findings = json.loads((folder / "findings.json").read_text())
    assert (findings["subject"]["layer"], len(findings["findings"])) == ("", 3)
    assert any(note.startswith(WITHOUT) for note in findings["notes"])
    assert findings["rungs"][0]["name"] == "screening in pixels"
    assert (findings["rungs"][0]["seen"], findings["rungs"][0]["passed"]) == (24, 6)
    labels = pd.read_parquet(folder / "candidates.parquet").query("origin == 'crop' and id.str.startswith('c-')")
    assert labels.image_label.nunique() >= 3  # of the best, tiers in turns
    for report in ("report.html", "checklist.md"):
        text = (folder / report).read_text()
        assert "no gradient" in text
        assert 'id="atlas"' not in text
    assert not list((folder / "atlas").glob("*.webp"))


def test_the_same_patch_flips_the_same_pictures_as_with_an_atlas(
    world: World, without_slopes: tuple[Path, Result], finished: tuple[Path, Result], invoke, tmp_path: Path
) -> None:
    """Both networks give the same answers; only one of them can be mapped."""
    flips = []
    for number, run in enumerate((without_slopes[0], finished[0])):
        own = tmp_path / f"run-{number}"
        shutil.copytree(run, own)
        assert invoke("trial", own, "--patches", world.folder / "stickers").exit_code in (0, 1, 3)
        trials = pd.read_parquet(own / "patch-trials" / "stickers" / "trials.parquet")
        kept = trials[trials.control.isin(["", "noise", "grey"])]
        flips.append(kept.groupby(["candidate", "control", "image"])["flip"].sum())
    pd.testing.assert_series_equal(*flips)


def test_resumed_after_an_interruption_it_finds_the_same(
    world: World, without_slopes: tuple[Path, Result], invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("auditor.run.stages.trials.select", stop)
        assert invoke("run", world.folder / "slopes.toml", "--out", tmp_path / "again").exit_code == 2
    invoke("run", "--resume", tmp_path / "again")
    assert (tmp_path / "again" / "findings.json").read_bytes() == (without_slopes[0] / "findings.json").read_bytes()


def test_check_tells_no_mistake_and_what_it_costs(world: World, invoke) -> None:
    audit = without_layer(world, "check.toml", ("network.py:network", "network.py:without_slopes"))
    result = invoke("check", audit)
    assert result.exit_code == 0, result.output
    assert "candidates and trials" in result.output


def test_what_needs_a_layer_says_that_there_is_none(
    without_slopes: tuple[Path, Result], invoke, tmp_path: Path
) -> None:
    shutil.copytree(without_slopes[0], tmp_path / "run")
    result = invoke("icons", tmp_path / "run", "--channels", "1")
    assert result.exit_code == 2
    assert "is audited without an atlas" in " ".join(result.output.split())
