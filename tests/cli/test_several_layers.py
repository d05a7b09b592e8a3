"""Several layers searched in one audit: their cells and crops told apart, the same whatever interrupts, bad input."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from auditor.atlas.icons.render import render_icons
from auditor.run.folder import RunFolder
from auditor.run.stages.atlas import read_atlas
from tests.tiny_world import World

Invoke = Callable[..., Result]
BOTH = ("features.3", "features.0")
LIGHT = (
    ('layer = "features.3"', 'layers = ["features.3", "features.0"]'),
    ("repeats = 1", "repeats = 0"),
    ("screened = 24", "screened = 60\nheld = 12\nwhole_pictures = 0"),
    ("trained = 3", "trained = 0"),
    ("findings = 1", "findings = 0"),
    ("pictures = 4\n\n[survival]", "pictures = 0\n\n[survival]"),
)


def config(world: World, name: str, *changes: tuple[str, str]) -> Path:
    return world.edited(name, *LIGHT, *changes)


@pytest.fixture(scope="module")
def layered(world: World, invoke: Invoke, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A finished run of two layers, not to be changed, and what the command said."""
    folder = tmp_path_factory.mktemp("layered") / "run"
    result = invoke("run", config(world, "layers.toml"), "--out", folder)
    assert result.exit_code in (0, 1, 3), result.output
    return folder, result


@pytest.fixture
def own_layered(layered: tuple[Path, Result], tmp_path: Path) -> Path:
    shutil.copytree(layered[0], tmp_path / "run")
    return tmp_path / "run"


def same_findings(first: Path, second: Path) -> None:
    for file in ("findings.json", "junit.xml"):  # the checklist names the report by its sha256
        assert (first / file).read_bytes() == (second / file).read_bytes(), file
    for file in ("cells.parquet", "candidates.parquet", "trials.parquet", "pasted-cells-2.parquet"):
        one, other = (pd.read_parquet(folder / file) for folder in (first, second))
        pd.testing.assert_frame_equal(one, other)


def test_both_layers_give_cells_crops_and_sheets(layered: tuple[Path, Result], world: World) -> None:
    folder, result = layered
    assert "layers: features.3, features.0 (named in the configuration)" in result.stderr
    assert "the grid of features.0: 16 × 16 positions of 8 channels" in result.stderr
    cells, candidates = (pd.read_parquet(folder / f"{name}.parquet") for name in ("cells", "candidates"))
    assert tuple(dict.fromkeys(cells.layer)) == BOTH
    suggested = candidates[candidates.id.str.startswith("c-")]
    assert set(suggested.layer) == set(BOTH)
    known = set(zip(cells.layer, cells.name, strict=True))
    of_cells = suggested[suggested.cell != ""]
    assert set(zip(of_cells.layer, of_cells.cell, strict=True)) <= known
    compared = candidates[candidates.role != "suggested"]
    assert len(compared)
    assert set(compared.layer) == {"features.3"}
    pasted = [pd.read_parquet(folder / f"pasted-cells{number}.parquet") for number in ("", "-2")]
    assert [set(one.layer) for one in pasted] == [{layer} for layer in BOTH]
    for sheet in ("4.webp", "6-predicted.webp", "pasted-4.webp", "hinton.png"):
        assert all((folder / place / sheet).is_file() for place in ("atlas", "atlas/layer-2")), sheet
    findings = json.loads((folder / "findings.json").read_text())
    assert findings["subject"]["layer"] == "features.3"
    assert findings["subject"]["layers"] == list(BOTH)
    layer_of = dict(zip(candidates.id, candidates.layer, strict=True))
    for one in findings["findings"]:
        assert (one["provenance"]["layer"] or "") == layer_of[one["candidate"]]
    assert any(rung["name"] == "one feature of several layers" for rung in findings["rungs"])
    html = (folder / "report.html").read_text()
    assert html.count('<div class="layers">') >= 6
    assert 'class="missing' not in html
    assert "of layer features.0" in html
    for layer, one in zip(BOTH, pasted, strict=True):
        finest = one[one.level == 6]
        held = f"level 6 of {layer}, {sum(held['holds'] for held in finest.held)} of {len(finest)} cell"
        assert held in html.replace("&nbsp;", " "), held
    assert "features.3, features.0" in html


def test_a_layers_atlas_is_that_of_an_audit_of_the_layer_alone(
    layered: tuple[Path, Result], world: World, invoke: Invoke, tmp_path: Path
) -> None:
    alone = config(world, "alone.toml", ('layers = ["features.3", "features.0"]', 'layer = "features.0"'))
    assert invoke("atlas", alone, "--out", tmp_path / "run", "--icons", "0").exit_code == 0
    one = read_atlas(RunFolder.open(tmp_path / "run"), 0)
    other = read_atlas(
        RunFolder.open(layered[0]), 0, samples="cache/samples-2.safetensors", cells="cache/cells-2.parquet"
    )
    np.testing.assert_array_equal(one.xy, other.xy)
    np.testing.assert_array_equal(one.samples.vectors, other.samples.vectors)
    np.testing.assert_array_equal(one.samples.attribution, other.samples.attribution)
    assert [cell.name for cell in one.cells] == [cell.name for cell in other.cells]


def test_one_layer_in_a_list_is_that_layer(world: World, invoke: Invoke, tmp_path: Path) -> None:
    light = [pair for pair in LIGHT if "layer" not in pair[0]]
    alone = world.edited("one.toml", *light)
    listed = world.edited("listed.toml", *light, ('layer = "features.3"', 'layers = ["features.3"]'))
    files = {}
    for path in (alone, listed):
        (tmp_path / path.stem).mkdir()
        folder = tmp_path / path.stem / "run"
        assert invoke("run", path, "--out", folder).exit_code in (0, 1, 3)
        files[path.stem] = {
            str(file.relative_to(folder)): file.read_bytes()
            for file in folder.rglob("*")
            if file.is_file()
            and file.name
            not in ("manifest.json", "result.json", "report.html", "rungs.json", "checklist.md", "checklist.json")
            and file.name != "outcome.json"  # these hold times of the clock, or the sha256 of what does
        }
        manifest = json.loads((folder / "manifest.json").read_text())
        assert (manifest["config"]["model"]["layer"], manifest["config"]["model"]["layers"]) == ("features.3", None)
    assert files["one"] == files["listed"]


def test_the_batch_size_changes_nothing(
    layered: tuple[Path, Result], world: World, invoke: Invoke, tmp_path: Path
) -> None:
    path = config(world, "batch.toml", ("batch_size = 16", "batch_size = 1"))
    assert invoke("run", path, "--out", tmp_path / "run").exit_code == layered[1].exit_code
    one, other = (pd.read_parquet(folder / "candidates.parquet") for folder in (layered[0], tmp_path / "run"))
    pd.testing.assert_frame_equal(one, other, rtol=1e-3, atol=1e-3)
    first, second = (json.loads((folder / "findings.json").read_text()) for folder in (layered[0], tmp_path / "run"))
    for a, b in zip(first["findings"], second["findings"], strict=True):
        assert (a["candidate"], a["flips"], a["eligible"]) == (b["candidate"], b["flips"], b["eligible"])


def test_a_run_cut_off_in_the_second_layer_ends_as_if_it_had_not_been(
    layered: tuple[Path, Result], world: World, invoke: Invoke, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    rendered: list[int] = []

    def at_the_second(*arguments: object, **named: object) -> object:
        rendered.append(1)
        if len(rendered) == 2:
            raise KeyboardInterrupt
        return render_icons(*arguments, **named)  # type: ignore[arg-type]

    def no_second(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.candidates.propose.seen_at", no_second)
        assert invoke("run", config(world, "cut.toml"), "--out", folder).exit_code == 2
    assert (folder / "cache/samples-2.safetensors").is_file()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.run.stages.icons.render_icons", at_the_second)
        assert invoke("run", "--resume", folder).exit_code == 2
    assert (folder / "cache/icons/0000.safetensors").is_file()
    assert not (folder / "cache/icons/layer-2").exists()
    assert invoke("run", "--resume", folder).exit_code == layered[1].exit_code
    same_findings(layered[0], folder)


def test_lost_and_damaged_files_of_the_second_layer_are_made_again(
    layered: tuple[Path, Result], own_layered: Path, invoke: Invoke
) -> None:
    (own_layered / "atlas/layer-2/4.webp").unlink()
    (own_layered / "cache/samples-2.safetensors").write_bytes(b"x")
    (own_layered / "cache/pasted-2.safetensors").unlink()
    assert invoke("run", "--resume", own_layered).exit_code == layered[1].exit_code
    assert (own_layered / "atlas/layer-2/4.webp").is_file()
    same_findings(layered[0], own_layered)


def test_other_layers_are_no_way_on(own_layered: Path, invoke: Invoke) -> None:
    path = own_layered / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"]["model"]["layers"] = ["features.3", "features.1"]
    path.write_text(json.dumps(manifest))
    result = invoke("run", "--resume", own_layered)
    assert result.exit_code == 2
    assert "the settings in its manifest changed" in result.stderr


def test_what_reads_a_run_goes_on_and_names_the_layer(own_layered: Path, world: World, invoke: Invoke) -> None:
    again = invoke("suggest", own_layered)
    assert again.exit_code == 0
    assert "features.0" in again.stdout
    atlas = invoke("atlas", own_layered)
    assert atlas.exit_code == 0
    assert "layer features.3" in atlas.stdout
    assert "atlas/layer-2/4.webp" in atlas.stdout.replace("\n", "")
    look = invoke("look", own_layered, world.folder / "photos/red pan/00.png")
    assert look.exit_code == 0
    assert "layer features.3, the first of the run's" in look.stderr
    assert invoke("icons", own_layered, "--channels", "1").exit_code == 0
    assert invoke("atlas", own_layered, "--kind", "full", "--icons", "0").exit_code == 0
    assert invoke("run", "--resume", own_layered).exit_code in (0, 1, 3)


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ('["features.3", "features.9"]', "layer 'features.9' is not in"),
        ('["features.3", "head"]', "layer 'head' puts out"),
        ('["features.3", "features.3"]', "model.layers: each may stand there once"),
        ("[]", "model.layers"),
        ("[3]", "model.layers"),
        ('"features.3"', "model.layers"),
    ],
)
def test_layers_that_cannot_be_searched(
    layers: str, sentence: str, world: World, invoke: Invoke, tmp_path: Path
) -> None:
    path = config(world, "bad.toml", ('["features.3", "features.0"]', layers))
    result = invoke("run", path, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split()), result.stderr
    assert not (tmp_path / "run" / "images.parquet").exists()


def test_a_layer_and_layers_are_one_mistake(world: World, invoke: Invoke, tmp_path: Path) -> None:
    for listed in ('["features.0"]', '["features.3", "features.0"]'):
        path = world.edited("both.toml", ('layer = "features.3"', f'layer = "features.3"\nlayers = {listed}'))
        result = invoke("run", path, "--out", tmp_path / "run")
        assert result.exit_code == 2
        said = " ".join(result.stderr.split())
        assert "model: layer ('features.3') and layers (" in said
        assert "are both given; give one of them" in said


def test_every_layer_that_cannot_be_mapped_is_told_at_once(world: World, invoke: Invoke) -> None:
    changes = (('layer = "features.3"', 'layers = ["features.8", "head"]'), ('all = "photos"', 'all = "nowhere"'))
    result = invoke("check", world.edited("wrong.toml", *changes))
    said = " ".join((result.stdout + result.stderr).split())
    assert result.exit_code == 2
    assert "nowhere" in said
    assert "'features.8' is not in" in said
    assert "layer 'head' puts out" in said


def test_the_flag_takes_names_by_commas(world: World, invoke: Invoke, tmp_path: Path) -> None:
    path = world.edited("flag.toml", ('layer = "features.3"', ""))
    result = invoke("run", path, "--layers", "features.3, features.7", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "'features.7' is not in" in " ".join(result.stderr.split())
