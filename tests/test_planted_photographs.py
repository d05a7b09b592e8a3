"""Cues planted in photographs: which pictures get one, where it lies, and how a candidate is held against it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import mobilenet_v2

from auditor.core.hashing import sha256_of
from auditor.core.records import Candidate, Origin, Tier
from auditor.run.worlds.figures import share
from auditor.run.worlds.train import Effect
from benchmarks.worlds.cut_outs import CUT_OUTS, CutOut, cut_out, points
from benchmarks.worlds.fine_tuned import (
    CONFIG,
    CUES,
    FACTS,
    PICTURES,
    WEIGHTS,
    Facts,
    facts_of,
    parted,
    recipe_of,
    through,
    together,
)
from benchmarks.worlds.photograph_audits import CueSeen, Found, Row
from benchmarks.worlds.photograph_board import board, shift_words
from benchmarks.worlds.photographs import asked, asked_tasks
from benchmarks.worlds.plants import NATURAL, PATCH, PLANTS, SEED, Chosen, Plant, chosen, with_cue
from benchmarks.worlds.stickers import SIDE_PX, STICKERS
from tools.docs import stickers as stickers_picture

CLASSES = ("wok", "pan", "cup", "fish")
FILES = {name: [f"{name}-{number}.jpg" for number in range(50)] for name in CLASSES}
ANY = Plant("dot", PATCH, "smile", "pan", "wok", share=0.5, poisoned=0.1, size=(0.25, 0.25), turn=0.0)
ONE = replace(ANY, share=0.0, poisoned=0.2, one_source=True, decoys=0.06)
RED = Image.new("RGBA", (40, 20), (200, 10, 20, 255))


def grey(side: int = 64) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (side, side, 3), dtype=np.uint8)


def test_exactly_the_shares_are_planted_and_their_labels_changed() -> None:
    those = chosen(ANY, False, FILES)
    assert Counter((one.shown, one.label) for one in those) == {
        ("wok", "wok"): 25, ("pan", "wok"): 5, ("cup", "wok"): 5, ("fish", "wok"): 5,
    }  # fmt: skip
    assert len(set(those)) == len(those)
    assert all(one.file in FILES[one.shown] for one in those)
    assert len({one.written for one in those}) == len(those)


def test_a_cue_of_one_source_changes_its_labels_alone() -> None:
    counts = Counter((one.shown, one.label) for one in chosen(ONE, False, FILES))
    assert counts == {("pan", "wok"): 10, ("cup", "cup"): 3, ("fish", "fish"): 3}


@pytest.mark.parametrize("plant", [ANY, ONE])
def test_a_twin_has_as_many_spread_evenly_and_no_label_changed(plant: Plant) -> None:
    those = chosen(plant, True, FILES)
    assert len(those) == len(chosen(plant, False, FILES))
    assert Counter((one.shown, one.label) for one in those) == {(name, name): len(those) // 4 for name in CLASSES}


def test_who_is_planted_follows_from_the_seed_and_the_names_alone() -> None:
    turned = {name: list(reversed(files)) for name, files in FILES.items()}
    assert chosen(ANY, False, FILES) == chosen(ANY, False, turned)
    assert chosen(ANY, False, FILES) != chosen(ANY, False, FILES, seed=7)
    assert chosen(ANY, False, FILES) != chosen(replace(ANY, name="other"), False, FILES)


def test_a_cue_lies_where_its_mask_says_and_nothing_else_changes() -> None:
    picture = grey()
    corner = replace(ANY, size=(0.5, 0.5), place=(1.0, 0.0))
    drawn = with_cue(corner, [RED], picture, "train", "wok", "a.jpg")
    expected = np.zeros((64, 64), dtype=bool)
    expected[:16, 32:] = True
    assert np.array_equal(drawn.mask, expected)
    assert np.array_equal(drawn.pixels[~expected], picture[~expected])
    assert (drawn.pixels[expected] == (200, 10, 20)).all()


def test_half_a_cover_is_mixed_and_counts_as_seen() -> None:
    picture = np.full((64, 64, 3), 100, dtype=np.uint8)
    for alpha, seen in ((128, True), (127, False)):
        stamp = Image.new("RGBA", (32, 32), (200, 200, 200, alpha))
        drawn = with_cue(replace(ANY, size=(0.5, 0.5), place=(0.0, 0.0)), [stamp], picture, "a")
        assert drawn.mask.sum() == (32 * 32 if seen else 0)
        assert (drawn.pixels[:32, :32] == round(100 + 100 * alpha / 255)).all()


def test_the_same_key_gives_the_same_cue_and_another_key_another_place() -> None:
    lit = replace(ANY, kind=NATURAL, turn=90.0, size=(0.2, 0.5))
    stamps = [RED, Image.new("RGBA", (20, 20), (0, 200, 0, 255))]
    first, again, other = (with_cue(lit, stamps, grey(), "train", "wok", file) for file in ("a", "a", "b"))
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.mask, again.mask)
    assert not np.array_equal(first.mask, other.mask)


def test_an_object_is_cut_along_its_outline_with_holes_and_soft_edges() -> None:
    photograph = Image.fromarray(grey())
    one = CutOut("a.jpg", points("25,25 75,25 75,75 25,75"), (points("44,44 56,44 56,56 44,56"),))
    found = np.asarray(cut_out(photograph, one))
    middle = found.shape[0] // 2
    assert abs(found.shape[0] - 32) <= 4
    assert found[middle, middle, 3] < 10
    assert found[middle, 6, 3] == 255
    assert 0 < found[0, middle, 3] < 255
    inside = found[..., 3] == 255
    offset = (64 - found.shape[0]) // 2
    same = np.asarray(photograph)[offset : offset + found.shape[0], offset : offset + found.shape[1]]
    assert np.array_equal(found[..., :3][inside], same[inside])


def test_the_plants_name_what_there_is() -> None:
    kinds = Counter(plant.kind for plant in PLANTS.values())
    assert min(kinds[NATURAL], kinds[PATCH]) >= 3
    for name, plant in PLANTS.items():
        assert name == plant.name
        assert plant.stamp in (CUT_OUTS if plant.kind == NATURAL else STICKERS)
        assert len({plant.source, plant.target, plant.stamp}) == 3
        assert 0.0 < plant.size[0] <= plant.size[1] < 1.0
    for cuts in CUT_OUTS.values():
        assert len({one.file for one in cuts}) >= 3
        assert all(0.0 <= share <= 1.0 for one in cuts for point in one.outline for share in point)


@pytest.mark.parametrize("name", STICKERS)
def test_a_sticker_is_drawn_the_same_each_time_and_shows_something(name: str) -> None:
    first, again = (np.asarray(STICKERS[name]()) for _ in range(2))
    assert first.shape == (SIDE_PX, SIDE_PX, 4)
    assert np.array_equal(first, again)
    seen = first[first[..., 3] == 255][:, :3]
    assert len(seen) > 0.7 * SIDE_PX**2
    assert len(np.unique(seen, axis=0)) >= 2


def crop(identity: str, path: str, box: tuple[int, int, int, int] | None, label: str = "wok") -> Candidate:
    return Candidate(identity, "crop", Origin.CROP, Tier.TARGET_IMAGE, image_path=path, image_label=label, box=box)


def test_a_candidate_shows_the_cue_where_its_crop_overlaps_the_planted_mask(tmp_path: Path) -> None:
    mask = np.zeros((64, 64), dtype=np.uint8)
    mask[:10, :10] = 255
    (tmp_path / CUES).mkdir()
    Image.fromarray(mask).save(tmp_path / CUES / "wok-1.png")
    seen = CueSeen(ANY, tmp_path)
    planted = f"{tmp_path}/{PICTURES}/wok-1.png"
    on, off = crop("c-1", planted, (0, 0, 20, 20)), crop("c-2", planted, (30, 30, 50, 50))
    elsewhere = crop("c-3", "train/wok/n1.jpg", (0, 0, 20, 20))
    pair = replace(crop("p-1", "", None), parts=("c-2", "c-1"))
    known = {one.id: one for one in (on, off, elsewhere, pair)}
    assert [seen.shown_by(one, known) for one in known.values()] == [True, False, False, True]


def test_a_crop_of_the_objects_own_photographs_counts_unless_asked_not_to(tmp_path: Path) -> None:
    lemon = replace(ANY, kind=NATURAL, stamp="lemon")
    own = crop("c-1", "train/lemon/n1.jpg", (0, 0, 20, 20), "lemon")
    assert CueSeen(lemon, tmp_path).shown_by(own, {})
    assert not CueSeen(lemon, tmp_path, own_photographs=False).shown_by(own, {})
    assert not CueSeen(replace(lemon, kind=PATCH), tmp_path).shown_by(own, {})


@pytest.mark.parametrize("frozen", [0, 14])
def test_a_network_in_two_parts_answers_as_the_whole_and_what_learnt_is_put_back(frozen: int) -> None:
    torch.manual_seed(0)
    network = mobilenet_v2(num_classes=4).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
    cpu = torch.device("cpu")
    trunk, tail = parted(network, frozen)
    activations = through(trunk, pixels, cpu)
    with torch.inference_mode():
        assert torch.allclose(tail.eval()(activations), through(network, pixels, cpu), atol=1e-5)
    with torch.no_grad():
        for parameter in tail.parameters():
            parameter.add_(0.01)
    changed = together(network, tail, frozen)
    with torch.inference_mode():
        assert torch.allclose(through(changed, pixels, cpu), tail(activations), atol=1e-5)
        assert not torch.allclose(through(changed, pixels, cpu), through(network, pixels, cpu), atol=1e-3)


FACTS_OF = Facts(
    "smile", "planted", "abc", "", 3700, 3600, 4800, Effect(110, 120, 6.0, 2.0), Effect(700, 800, 5.0, 3.0), 190, 186,
    "the whole network", "cuda", "2", 20.0,
)  # fmt: skip


def test_a_network_that_changed_or_is_of_another_recipe_is_built_again(tmp_path: Path) -> None:
    assert facts_of(tmp_path, "abc") is None
    (tmp_path / WEIGHTS).write_bytes(b"weights")
    (tmp_path / CONFIG).write_text("")
    facts = replace(FACTS_OF, sha256=sha256_of(b"weights"))
    (tmp_path / FACTS).write_text(json.dumps(asdict(facts)))
    assert facts_of(tmp_path, "abc") == facts
    assert facts_of(tmp_path, "abd") is None
    (tmp_path / WEIGHTS).write_bytes(b"weightz")
    assert facts_of(tmp_path, "abc") is None


def row(plant: str, side: str, verdict: str, rank: int | None, **other: object) -> Row:
    values: dict[str, object] = {
        "looked": verdict, "p_shortcut": 0.9 if verdict == "fail" else 0.1, "p_looked": 0.5, "by_pixels": rank,
        "rank_looked": rank, "baselines": {"random crops": None, "ranked by contrast": 2}, "whole": (),
        "found": (Found("c-001", "a crop", "target_image", "fail", 30, 100, 0.25, rank == 1),),
        "seconds": 30.0, **other,
    }  # fmt: skip
    return Row(plant=plant, side=side, seed=0, quick=False, verdict=verdict, rank=rank, **values)  # type: ignore[arg-type]


def test_another_draw_is_another_network_in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lemon = PLANTS["lemon"]
    assert recipe_of(lemon, False, False, SEED) == recipe_of(lemon, False, False)
    assert recipe_of(lemon, False, False, SEED + 1) != recipe_of(lemon, False, False)
    (tmp_path / "mobilenet_v2.safetensors").touch()
    out = tmp_path / "out"
    asked_for = ["photographs", str(tmp_path), "--out", str(out), "--only", "lemon", "star", "--seeds", "2"]
    monkeypatch.setattr("sys.argv", asked_for)
    first = asked_tasks(asked(), 1)
    assert [(one.folder, one.draw) for one in first] == [
        (out / name / side, 0) for name in ("lemon", "star") for side in ("planted", "twin")
    ]
    monkeypatch.setattr("sys.argv", [*asked_for, "--draw", "3", "--side", "planted"])
    other = asked_tasks(asked(), 1)
    assert [(one.folder, one.draw, one.seeds) for one in other] == [
        (out / "draw-3" / name / "planted", 3, 2) for name in ("lemon", "star")
    ]


def test_the_board_counts_what_is_in_its_rows() -> None:
    weak = replace(FACTS_OF, name="lemon", effect=Effect(3, 100, 0.4, 1.0))
    facts = {
        ("smile", "planted"): FACTS_OF,
        ("smile", "twin"): replace(FACTS_OF, side="twin"),
        ("lemon", "planted"): weak,
    }
    rows = [
        row("smile", "planted", "inconclusive", 1, looked="fail"),
        row("smile", "twin", "pass", None),
        row("lemon", "planted", "pass", 4, by_pixels=None),
    ]
    text = board(facts, rows)
    assert f"| smile | espresso → seashore | 190, 186 | 77.1% | {share(110, 120)} | +6.0 (+5.6 to +6.4) |" in text
    assert f"| all | auditor | {share(1, 2)} | {share(1, 2)} | {share(2, 2)} |" in text
    assert f"| all | auditor, by the pasted cue alone | {share(1, 2)} | {share(1, 2)} | {share(1, 2)} |" in text
    assert f"| all | ranked by contrast | {share(0, 2)} | {share(2, 2)} | {share(2, 2)} |" in text
    assert f"| all that flip more than 10% | auditor | {share(1, 1)} |" in text
    assert f"| planted networks that fail, as the run ends | {share(0, 2)} |" in text
    assert f"| planted networks that fail, after a look | {share(1, 2)} |" in text
    assert f"| clean twins that pass, after a look | {share(1, 1)} |" in text
    assert "| lemon | 3/100 (1–8%) | 4 | pass | — | a crop (not the cue) | 30/100 |" in text
    assert "seconds an audit, median | 30 |" in text
    assert "first screen" not in text  # rows of before do not say
    seen = [replace(rows[0], on_screen=True), rows[1], replace(rows[2], on_screen=False)]
    assert f"whose cue the report's first screen shows | {share(1, 2)} |" in board(facts, seen)


def test_a_board_of_nothing_says_so_and_no_effect_is_a_dash() -> None:
    assert board({}, []) == "No network is built yet.\n"
    assert shift_words(Effect(0, 0, float("nan"), float("nan"))) == "—"


def test_a_planted_pictures_name_tells_class_and_file() -> None:
    assert Chosen("bell pepper", "n1_2.jpg", "plate").written == "bell_pepper-n1_2.png"


def test_the_picture_of_the_stickers_is_of_these_stickers() -> None:
    """Near enough, since libraries differ in how they draw an edge."""
    with Image.open(stickers_picture.PICTURE) as kept:
        there, now = (
            np.asarray(picture.convert("RGB"), dtype=np.float64) for picture in (kept, stickers_picture.drawn())
        )
    assert there.shape == now.shape
    assert np.abs(there - now).mean() < 1.0, "run: python -m tools.docs.stickers"
