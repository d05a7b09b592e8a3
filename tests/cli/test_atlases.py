"""Atlases beside the pair's, looks at single photographs, and icons of channels."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import auditor.run.beside.looks
import auditor.run.stages.atlas
import auditor.run.stages.icons
import auditor.run.stages.sheets
from auditor.atlas.collection import _Collector
from auditor.atlas.drawings.directions import Direction
from auditor.atlas.drawings.directions import draw_directions as draw
from auditor.atlas.embedding import principal_components


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _small_icons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.atlas.look.ICON_PX", 16)


def said_to_continue(stderr: str) -> list[str]:
    """The arguments of the command that a person is told to type."""
    (line,) = [line for line in stderr.splitlines() if line.startswith("continue with: auditor ")]
    return shlex.split(line.removeprefix("continue with: auditor "))


def discovery(run: Path) -> pd.DataFrame:
    images = pd.read_parquet(run / "images.parquet")
    return images[images.split == "discovery"]


def test_an_atlas_of_everything_leaves_the_run_as_it_is(invoke, finished, own_run) -> None:
    before = {file: (own_run / file).read_bytes() for file in ("cells.parquet", "candidates.parquet", "findings.json")}
    result = invoke("atlas", own_run, "--kind", "full", "--levels", "2,3", "--icons", "2")
    assert result.exit_code == 0
    folder = own_run / "atlases" / "full"
    assert result.stdout.splitlines()[1:] == [f"{folder / '2.webp'}", f"{folder / '3.webp'}"]
    assert all(Image.open(folder / name).format == "WEBP" for name in ("2.webp", "3.webp"))
    assert Image.open(folder / "hinton.png").format == "PNG"
    collected = len(discovery(own_run))  # one position a picture, and none chosen for its contrast
    assert f"of {collected} activations (of {collected} collected)" in result.stdout
    cells = pd.read_parquet(folder / "cells.parquet")
    assert set(cells.level) == {2, 3}
    assert cells[cells.level == 2]["count"].sum() <= collected
    assert np.isfinite(cells.contrast).all()  # the pair's, for the colours
    assert {file: (own_run / file).read_bytes() for file in before} == before
    assert invoke("run", "--resume", own_run).exit_code == finished[1].exit_code
    assert (own_run / "findings.json").read_bytes() == before["findings.json"]


def test_an_atlas_of_a_class_is_of_the_target_or_of_the_named_ones(invoke, own_run) -> None:
    assert invoke("atlas", own_run, "--kind", "class").exit_code == 0
    grouped = invoke("atlas", own_run, "--kind", "class", "--class", "blue wok, pink cup", "--icons", "0")
    assert grouped.exit_code == 0
    made = {path.name for path in (own_run / "atlases").iterdir()}
    assert made == {"activations", "class-blue-wok", "class-blue-wok-pink-cup"}
    for name in ("class-blue-wok", "class-blue-wok-pink-cup"):
        assert {path.name for path in (own_run / "atlases" / name).glob("*.webp")} == {"4.webp", "6.webp"}
    (one, two) = (
        json.loads((own_run / "atlases" / name / "manifest.json").read_text())["stages"]["atlas"]["kept"]
        for name in ("class-blue-wok", "class-blue-wok-pink-cup")
    )
    assert one <= two <= len(discovery(own_run))


def test_cells_of_a_class_are_named_by_what_else_they_support(invoke, own_run, monkeypatch) -> None:
    drawn: list[dict[str, str]] = []
    monkeypatch.setattr("auditor.atlas.words.LEVEL", 1000.0)  # the world is too small for any word to be borne out
    monkeypatch.setattr("auditor.atlas.words.LEAST_SHARE", 0.0)
    draw = auditor.run.stages.sheets.draw_sheet
    monkeypatch.setattr(
        auditor.run.stages.sheets,
        "draw_sheet",
        lambda *arguments: drawn.append(arguments[3].labels) or draw(*arguments),
    )
    for kind in ("full", "class"):
        assert invoke("atlas", own_run, "--kind", kind, "--levels", "2", "--icons", "0").exit_code == 0
    of_all, of_the_class = (set(labels.values()) for labels in drawn)
    assert "blue wok" in of_all
    assert "blue wok" not in of_the_class


def test_activations_are_collected_once_for_all_of_them(invoke, own_run, monkeypatch) -> None:
    assert invoke("atlas", own_run, "--kind", "class", "--icons", "0").exit_code == 0
    monkeypatch.setattr(_Collector, "shard", stop)
    assert invoke("atlas", own_run, "--kind", "full", "--icons", "0").exit_code == 0


def test_an_interrupted_atlas_goes_on_with_the_command_it_names(invoke, own_run) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditor.run.stages.icons, "render_icons", stop)
        stopped = invoke("atlas", own_run, "--kind", "class", "--class", "pink cup", "--levels", "3", "--icons", "3")
    assert stopped.exit_code == 2
    again = said_to_continue(stopped.stderr)
    assert again == [
        "atlas", str(own_run), "--kind", "class", "--class", "pink cup", "--levels", "3", "--icons", "3"
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Collector, "shard", stop)
        patch.setattr("auditor.run.beside.atlases.build_class_atlas", stop)
        assert invoke(*again).exit_code == 0
        patch.setattr(auditor.run.stages.icons, "render_icons", stop)
        patch.setattr("auditor.run.beside.atlases.draw_sheets", stop)
        assert invoke(*again).exit_code == 0  # all of it is there


def test_other_levels_take_the_place_of_the_old(invoke, own_run) -> None:
    folder = own_run / "atlases" / "full"
    for levels in ("2,3", "3,5"):
        assert invoke("atlas", own_run, "--kind", "full", "--levels", levels, "--icons", "1").exit_code == 0
    assert {path.name for path in folder.glob("*.webp")} == {"3.webp", "5.webp"}
    assert set(pd.read_parquet(folder / "cells.parquet").level) == {3, 5}
    assert json.loads((own_run / "manifest.json").read_text())["config"]["atlas"]["levels"] == [4, 6]


def test_levels_of_the_pair_are_a_new_runs(world, invoke, own_run, tmp_path) -> None:
    made = invoke("atlas", world.config, "--levels", "3", "--icons", "1", "--out", tmp_path / "new")
    assert made.exit_code == 0
    assert set(pd.read_parquet(tmp_path / "new" / "cells.parquet").level) == {3}
    assert json.loads((tmp_path / "new" / "manifest.json").read_text())["config"]["atlas"]["levels"] == [3]
    refused = invoke("atlas", own_run, "--levels", "3")
    assert refused.exit_code == 2
    assert "a run's candidates come from its atlas, whose settings stay as they are (levels given)" in refused.stderr
    assert (own_run / "findings.json").exists()


def test_the_pairs_atlas_goes_on_where_it_was_interrupted(world, invoke, finished, tmp_path) -> None:
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditor.run.stages.icons, "render_icons", stop)
        assert invoke("atlas", world.config, "--out", folder).exit_code == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditor.run.stages.atlas, "build_pair_atlases", stop)
        assert invoke("atlas", folder).exit_code == 0
        assert (folder / "atlas" / "hinton.png").exists()
        assert invoke("atlas", folder).exit_code == 2  # finished, so made anew
    assert not (folder / "cells.parquet").exists()


def test_layers_are_laid_out_together(world, invoke, tmp_path, monkeypatch) -> None:
    # compiling AlignedUMAP takes a minute; tests/atlas runs it
    monkeypatch.setattr("auditor.atlas.alignment.TOO_FEW", 10)
    monkeypatch.setattr(
        "auditor.atlas.alignment._aligned_umap", lambda layers, *_: [principal_components(one, 2) for one in layers]
    )
    folder = tmp_path / "run"
    made = invoke("atlas", world.config, "--layers", "features.1,features.3", "--out", folder)
    assert made.exit_code == 0
    pictures, moved, path = made.stdout.splitlines()
    assert pictures == f"{len(discovery(folder))} pictures in 2 layers"
    assert 0 <= float(moved.split("moves ")[1].split()[0]) < 0.5  # the second layer repeats the first
    assert Image.open(path).format == "WEBP"
    assert Path(path) == folder / "atlases" / "layers-features-1-features-3" / "layers.webp"
    assert "AlignedUMAP" not in made.stderr
    monkeypatch.setattr("auditor.atlas.alignment._at_positions", stop)
    assert invoke("atlas", folder, "--layers", "features.1,features.3").stdout == made.stdout


def test_another_layout_than_umap_is_said_not_to_be_for_layers(world, invoke, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("auditor.run.beside.atlases.aligned_layouts", lambda layers, *_: [one[:, :2] for one in layers])
    tsne = world.edited("tsne.toml", ("[atlas]\n", '[atlas]\nlayout = "tsne"\n'))
    made = invoke("atlas", tsne, "--layers", "features.1,features.3", "--out", tmp_path / "run")
    assert made.exit_code == 0, made.output
    sentence = "AlignedUMAP of umap-learn lays layers out together; atlas.layout = 'tsne' is for atlases of one layer"
    assert sentence in " ".join(made.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--kind", "whole"], "--kind takes pair, class, full, got 'whole'"),
        (["--class", "pink cup"], "--class says whose atlas --kind class makes"),
        (["--kind", "full", "--class", "pink cup"], "--class says whose atlas --kind class makes"),
        (["--kind", "class", "--class", "pink cap"], "pink cup"),
        (["--kind", "full", "--levels", "ten"], "--levels takes grid sizes by commas, such as 10,20,40, got 'ten'"),
        (["--kind", "full", "--levels", "1"], "levels needs at least one grid size, each from 2 to 320"),
        (["--layers", "features.1"], "--layers takes two or more different layers, by commas, got features.1"),
        (["--layers", "features.1,features.9"], "features.9"),
        (["--layers", "features.1,features.3", "--kind", "full"], "it takes no --kind, --levels or --icons"),
    ],
)
def test_what_cannot_be_made_is_said_in_a_sentence(arguments, sentence, world, invoke, finished, tmp_path) -> None:
    for given in ([world.config, "--out", tmp_path / "run"], [finished[0]]):
        result = invoke("atlas", *given, *arguments)
        assert result.exit_code == 2
        assert sentence in result.stderr
    assert not (tmp_path / "run").exists()


def test_photographs_are_looked_at_one_picture_each(world, invoke, finished, own_run, tmp_path) -> None:
    one = world.folder / "photos" / "red pan" / "00.png"
    shutil.copy(world.folder / "photos" / "blue wok" / "00.png", tmp_path / "00.png")
    result = invoke("look", own_run, one, tmp_path / "00.png")
    assert result.exit_code == 0
    first, second = (Path(line) for line in result.stdout.splitlines())
    assert first != second
    assert {first.parent, second.parent} == {own_run / "asked"}
    alone = Image.open(first)
    assert alone.format == "PNG"
    with_patch = invoke("look", own_run, one, "--patch", world.folder / "stickers" / "spots.png")
    both = Image.open(with_patch.stdout.strip())
    assert with_patch.stdout.strip() == f"{first.with_suffix('')}-with-spots.png"
    assert both.width == alone.width
    assert both.height > 1.5 * alone.height  # before and after
    assert (own_run / "findings.json").read_bytes() == (finished[0] / "findings.json").read_bytes()


def test_a_look_at_a_new_run_collects_what_its_atlas_needs(world, invoke, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "run"
    photograph = world.folder / "photos" / "red pan" / "01.png"
    assert invoke("look", world.config, photograph, "--out", folder).exit_code == 0
    monkeypatch.setattr(_Collector, "shard", stop)
    assert invoke("icons", folder, "--channels", "0").exit_code == 0
    assert invoke("atlas", folder).exit_code == 0


def test_photographs_and_patches_that_cannot_be_read(world, invoke, own_run, tmp_path) -> None:
    (tmp_path / "words.png").write_text("no picture")
    good = world.folder / "photos" / "red pan" / "00.png"
    for arguments, sentence in (
        ([tmp_path / "nowhere.png"], "nowhere.png cannot be looked at (missing file: no such file)"),
        ([good, tmp_path / "words.png"], "words.png cannot be looked at (not a picture"),
        ([good, "--patch", tmp_path / "words.png"], "cannot be read as a picture"),
    ):
        result = invoke("look", own_run, *arguments)
        assert result.exit_code == 2
        assert sentence in result.stderr


def test_icons_of_channels_in_one_picture(invoke, own_run) -> None:
    one, three = (invoke("icons", own_run, "--channels", channels) for channels in ("6", "6,0,3"))
    assert (one.exit_code, three.exit_code) == (0, 0)
    assert three.stdout.strip() == str(own_run / "asked" / "icons-6-0-3.png")
    low, high = (Image.open(result.stdout.strip()) for result in (one, three))
    assert high.height - low.height == 2 * (84 + 6) * 2  # two rows more
    for channels, sentence in (("8", "the layer's channels are 0 to 7, got 8"), ("red", "whole numbers by commas")):
        result = invoke("icons", own_run, "--channels", channels)
        assert result.exit_code == 2
        assert sentence in result.stderr


def test_a_channel_that_is_off_in_grey_pictures_has_an_icon_all_the_same(world, invoke, tmp_path, monkeypatch) -> None:
    """Yellow areas (6) stay at 0 until a picture is quite yellow, and nothing leads there; 7 is never on."""
    drawn: list[Direction] = []
    monkeypatch.setattr(
        auditor.run.beside.looks, "draw_directions", lambda rows, title: drawn.extend(rows) or draw(rows, title)
    )
    config = world.edited("icons.toml", ("icon_steps = 2", "icon_steps = 64"))
    assert invoke("icons", config, "--channels", "6,7", "--out", tmp_path / "run").exit_code == 0
    yellow, off = drawn
    assert float(yellow.note.removeprefix("cosine ")) > 0.5
    red, green, blue = yellow.icon[:, 6:10, 6:10].reshape(3, -1).mean(axis=1)
    assert min(red, green) > blue + 30
    assert (off.note, list(off.crops)) == ("0 in all pictures", [])
