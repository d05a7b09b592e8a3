"""The library's drawings, their script, and the ladder on which they are screened."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from auditor.candidates.drawings import DRAWINGS_RUNG, SHORTLISTED, screen_drawn
from auditor.candidates.linear import LinearScreen
from auditor.candidates.makers.drawn import INDEX, drawings, drawn_folder, read_drawn
from auditor.candidates.makers.library import library_folder, read_library
from auditor.candidates.screening import TailScreen
from auditor.core.config import AuditConfig
from auditor.core.errors import PatchError
from auditor.core.progress import Silence
from auditor.core.records import Candidate, Origin, Tier
from auditor.core.shelf import slug
from auditor.trials.patch import Patch, read_patch
from tools.patches.draw import picture_bytes
from tools.patches.drawn import DRAWINGS, draw
from tools.patches.drawn.canvas import COLOURS

QUICK = ("gingham, red", "wood grain, tan", "scales, green", "eye, blue", "slice of citrus, green", "key, yellow",
         "glyphs, red", "noodles, cream")  # fmt: skip
"""Of every file one, and of strokes two: drawing them all takes most of a minute."""


@pytest.fixture(scope="module")
def shipped() -> dict[str, Patch]:
    return {patch.candidate.name: patch for patch in read_drawn(drawn_folder())}


def test_the_script_knows_every_drawing_and_every_drawing_its_script(shipped: dict[str, Patch]) -> None:
    assert sorted(shipped) == sorted(DRAWINGS)
    lying = {path.name for path in drawn_folder().iterdir()}
    assert lying == {INDEX, *(path.name for path, _, _ in drawings(drawn_folder()))}
    assert all(path.name == f"{slug(name)}.webp" for path, name, _ in drawings(drawn_folder()))


@pytest.mark.parametrize("name", QUICK)
def test_the_script_draws_the_pixels_of_the_file(shipped: dict[str, Patch], name: str) -> None:
    drawn = draw(name)
    shown = shipped[name].rgba
    np.testing.assert_array_equal(drawn[3], shown[3])
    np.testing.assert_array_equal(drawn[:3] * (drawn[3] > 0), shown[:3] * (shown[3] > 0))


def test_a_drawing_is_written_without_loss(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for least in (0, 255):
        rgba = generator.integers(0, 256, size=(4, 12, 12), dtype=np.uint8)
        rgba[3] = np.maximum(rgba[3], least)
        (tmp_path / "one.webp").write_bytes(picture_bytes(rgba))
        np.testing.assert_array_equal(read_patch(tmp_path / "one.webp"), rgba)


def test_there_are_many_things_of_many_kinds_in_several_colours(shipped: dict[str, Patch]) -> None:
    assert len(shipped) >= 150
    motifs = Counter(name.rpartition(", ")[0] for name in shipped)
    assert len(motifs) >= 150
    assert sum(count > 1 for count in motifs.values()) >= 80
    assert {name.rpartition(", ")[2] for name in shipped} == set(COLOURS)
    for patch in shipped.values():
        candidate = patch.candidate
        assert re.fullmatch(r"[A-Za-z0-9 ]+, [a-z]+", candidate.name)
        assert candidate.id == f"t-{slug(candidate.name)}"
        assert (candidate.origin, candidate.tier, candidate.licence) == (Origin.LIBRARY, Tier.SYNTHETIC, "Apache-2.0")
        assert patch.rgba.shape == (4, 96, 96)
        shown = patch.rgba[:3, patch.rgba[3] > 127]
        assert shown.shape[1] > 96 * 96 * 0.05
        # none is a plain square
        assert patch.rgba[3].min() == 0 or float(np.ptp(shown.astype(np.int64), axis=1).max()) > 30


def test_no_two_of_the_library_are_the_same(shipped: dict[str, Patch]) -> None:
    assert len({hashlib.sha256(patch.rgba.tobytes()).hexdigest() for patch in shipped.values()}) == len(shipped)
    stems = {patch.candidate.id[2:] for patch in read_library(library_folder())}
    assert not stems & {patch.candidate.id[2:] for patch in shipped.values()}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / INDEX).unlink(), r"cannot be read .* reinstall auditor"),
        (lambda folder: (folder / INDEX).write_text("file,name\na.webp,a\n"), "needs rows with the columns file, name"),
        (lambda folder: (folder / INDEX).write_text("file,name,sha256\n"), "needs rows"),
        (lambda folder: (folder / "key-yellow.webp").unlink(), r"key-yellow\.webp"),
        (
            lambda folder: shutil.copy(folder / "eye-blue.webp", folder / "key-yellow.webp"),
            "its sha256 is .* but index",
        ),
    ],
)
def test_a_damaged_library_is_refused(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    for name in ("key-yellow.webp", "eye-blue.webp"):
        shutil.copy(drawn_folder() / name, tmp_path / name)
    rows = (drawn_folder() / INDEX).read_text().splitlines()
    kept = [row for row in rows if row.startswith(("file,", "key-yellow", "eye-blue"))]
    (tmp_path / INDEX).write_text("\n".join(kept) + "\n")
    assert [patch.candidate.name for patch in read_drawn(tmp_path)] == ["eye, blue", "key, yellow"]
    spoil(tmp_path)
    with pytest.raises(PatchError, match=said):
        read_drawn(tmp_path)


@pytest.fixture
def drawn() -> list[Patch]:
    """Forty patches of noise, of which the last is a copy of the first."""
    generator = np.random.default_rng(1)
    noise = generator.integers(0, 256, size=(40, 4, 8, 8), dtype=np.uint8)
    noise[:, 3], noise[-1] = 255, noise[0]
    made = [Candidate(f"t-{number}", str(number), Origin.LIBRARY, Tier.SYNTHETIC) for number in range(40)]
    return [Patch(one, rgba) for one, rgba in zip(made, noise, strict=True)]


def test_drawings_are_screened_linearly_then_by_the_tail_and_the_best_go_on(
    drawn: list[Patch], screen: TailScreen, wanting: Callable[..., AuditConfig]
) -> None:
    pixels = [patch.rgba for patch in drawn]
    first = LinearScreen(screen, pixels[:4])
    linear, pushes = first.screen(pixels), screen.screen(pixels)
    short = np.argsort(-linear, kind="stable")[: 3 * SHORTLISTED].tolist()
    kept, rung = screen_drawn(drawn, first, screen, wanting(drawn=3), Silence())
    assert (rung.name, rung.seen, rung.passed) == (DRAWINGS_RUNG, 40, 3)
    found = [patch.candidate.predicted_push for patch in kept]
    assert found == sorted(found, reverse=True)
    assert found == [pytest.approx(float(pushes[int(patch.candidate.name)]), rel=1e-5) for patch in kept]
    assert {int(patch.candidate.name) for patch in kept} <= set(short)
    assert found[0] == pytest.approx(float(pushes[short].max()), rel=1e-5)
    assert len({patch.rgba.tobytes() for patch in kept}) == 3  # a copy looks the same and is not tried


def test_without_a_linear_screen_chance_says_which_drawings_are_screened(
    drawn: list[Patch], screen: TailScreen, wanting: Callable[..., AuditConfig]
) -> None:
    kept, rung = screen_drawn(drawn, None, screen, wanting(drawn=2), Silence())
    again, _ = screen_drawn(drawn, None, screen, wanting(drawn=2), Silence())
    other, _ = screen_drawn(drawn, None, screen, replace_seed(wanting(drawn=2), 5), Silence())
    names = [patch.candidate.name for patch in kept]
    assert names == [patch.candidate.name for patch in again] != [patch.candidate.name for patch in other]
    assert (rung.seen, rung.passed) == (40, 2)


def replace_seed(config: AuditConfig, seed: int) -> AuditConfig:
    return config.model_copy(update={"seed": seed})


def test_none_are_drawn_where_none_are_wanted(screen: TailScreen, wanting: Callable[..., AuditConfig]) -> None:
    kept, rung = screen_drawn([], None, screen, wanting(), Silence())
    assert (kept, rung.seen, rung.passed) == ([], 0, 0)
    assert replace(rung, seconds=None).by == "predicted push, look-alikes out"
