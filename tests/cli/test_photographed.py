"""Patches printed and photographed, and on a quadrilateral, from the command line to the table of trials."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from auditor.report.findings_json import schema
from auditor.trials.effects import SHAPE

SETTINGS = """\
effects = ["print", "blur", "jpeg"]
least_saturation = 0.9
darkest_paper = 0.9
lightest_ink = 0.05
blur_px = 0.4
worst_jpeg = 80
scale_jitter = 0.0
quadrilateral = [0.05, 0.05, 0.1, 0.5, 0.5, 0.45, 0.5, 0.1]"""


def test_patches_are_printed_photographed_and_laid_on_a_quadrilateral(world, invoke, tmp_path) -> None:
    chosen = world.edited(
        "photographed.toml",
        ("[trials]\n", f"[trials]\n{SETTINGS}\n"),
    )
    folder = tmp_path / "run"
    result = invoke(
        "trial", chosen, "--patches", world.folder / "stickers", "--placements", "fixed,photographed,quadrilateral",
        "--out", folder,
    )  # fmt: skip
    assert result.exit_code in (0, 1, 3)
    findings = json.loads((folder / "patch-trials" / "stickers" / "findings.json").read_text())
    jsonschema.validate(findings, schema())
    rates = {(one["candidate"], one["placement"]): one["rate"] for one in findings["findings"]}
    assert rates["u-spots", "fixed"] == 1.0
    assert 0 < rates["u-spots", "photographed"] < 1
    assert rates["u-spots", "quadrilateral"] > 0.5
    assert {rate for (patch, _), rate in rates.items() if patch == "u-Plain Grey"} == {0.0}
    trials = pd.read_parquet(folder / "patch-trials" / "stickers" / "trials.parquet")
    of = dict(list(trials.groupby("placement")))
    assert of["photographed"].jpeg_quality.between(80, 95).all()
    assert of["photographed"].blur_px.between(0, 0.4).all()
    assert of["quadrilateral"][list(SHAPE)].notna().all(axis=None)
    assert of["fixed"][[*SHAPE, "jpeg_quality", "ink"]].isna().all(axis=None)
    assert "noise" not in trials.columns
    # candidate and controls share each picture's draws, under every name
    for column in ("centre_y", "ink", "jpeg_quality", "blur_px"):
        pasted = of["photographed"][of["photographed"].candidate == "u-spots"]
        assert pasted.groupby("image")[column].nunique().eq(1).all()
        assert pasted[column].nunique() > 5
    assert np.isfinite(of["photographed"].target_after).all()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ('effects = ["print", "glare"]', "trials.effects"),
        ("quadrilateral = [0.1, 0.1, 0.4, 0.1, 0.4, 0.4, 0.1, 0.4]", "clockwise"),
        ("worst_jpeg = 0", "trials.worst_jpeg"),
    ],
)
def test_what_no_photograph_is_made_with_is_refused(world, invoke, tmp_path, setting: str, told: str) -> None:
    result = invoke(
        "run", world.edited("refused.toml", ("[trials]", f"[trials]\n{setting}")), "--out", tmp_path / "run"
    )
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
