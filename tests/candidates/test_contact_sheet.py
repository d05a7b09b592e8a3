"""The contact sheet: who stands where, under which heading, and the pixels that carry a meaning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from auditor.atlas.drawings.colours import contrast_colour
from auditor.candidates.contact_sheet import SECTIONS, draw_contact_sheet, sort_candidates
from auditor.core.records import Candidate, Origin, Role, Spot, Tier
from auditor.trials.patch import Patch

NAN = float("nan")


def patch(
    identity: str,
    push: float = NAN,
    colour: tuple[int, int, int, int] = (10, 20, 30, 255),
    origin: Origin = Origin.CROP,
    role: Role = Role.SUGGESTED,
    size: tuple[int, int] = (12, 12),
) -> Patch:
    rgba = np.broadcast_to(np.array(colour, dtype=np.uint8)[:, None, None], (4, *size)).copy()
    name = "a crop with a rather long name that takes more than one line"
    return Patch(Candidate(identity, name, origin, Tier.THIRD_CLASS, "0" * 64, predicted_push=push, role=role), rgba)


def drawn(patches: list[Patch], flips: dict[str, tuple[int, int]] | None = None) -> np.ndarray:
    image = draw_contact_sheet(patches, "pan to wok", flips)
    return np.asarray(image.convert("RGB"))


def left_of(sheet: np.ndarray, colour: tuple[int, int, int]) -> int:
    """The first column of the sheet in which a colour fills a patch's height."""
    return int(np.argmax((sheet == np.array(colour, dtype=np.uint8)).all(axis=2).sum(axis=0) > 100))


def test_flip_rates_go_first_then_predicted_push_and_unknown_pushes_last() -> None:
    patches = [patch("c-1", NAN), patch("c-2", 0.5), patch("c-3", 2.0), patch("c-4", -1.0), patch("c-5", NAN)]
    assert [one.candidate.id for one in sort_candidates(patches, {})] == ["c-3", "c-2", "c-4", "c-1", "c-5"]
    flips = {"c-1": (3, 10), "c-4": (30, 60), "c-2": (0, 10)}
    assert [one.candidate.id for one in sort_candidates(patches, flips)] == ["c-4", "c-1", "c-2", "c-3", "c-5"]


def test_every_candidate_belongs_to_one_section() -> None:
    of_role = {Role.SUGGESTED: 1, Role.RANDOM: 2, Role.STRONGEST_CONTRAST: 3}
    for origin in Origin:
        for role, number in of_role.items():
            found = role is Role.SUGGESTED and origin in (Origin.CROP, Origin.RENDER)
            one = patch("x", origin=origin, role=role).candidate
            assert [place for place, section in enumerate(SECTIONS) if section.holds(one)] == [0 if found else number]
    own = replace(patch("x", origin=Origin.CROP).candidate, spot=Spot(1.0, 1.0, 0.3))
    assert [place for place, section in enumerate(SECTIONS) if section.holds(own)] == [4]


def test_candidates_stand_in_order_and_random_ones_below() -> None:
    red, green, blue = (200, 0, 0, 255), (0, 200, 0, 255), (0, 0, 200, 255)
    sheet = drawn([patch("r-1", 9.0, blue, role=Role.RANDOM), patch("c-1", 1.0, red), patch("c-2", 2.0, green)])
    assert sheet.shape[1] == 1920
    places = {name: left_of(sheet, colour[:3]) for name, colour in (("r", red), ("g", green), ("b", blue))}
    assert places["g"] == places["b"] < places["r"]
    below = (sheet == np.array(blue[:3])).all(axis=2).any(axis=1).nonzero()[0].min()
    assert below > (sheet == np.array(red[:3])).all(axis=2).any(axis=1).nonzero()[0].max() + 100


@pytest.mark.parametrize("push", [3.0, -1.5, NAN])
def test_the_border_shows_the_predicted_push(push: float) -> None:
    white = (255, 255, 255, 255)
    sheet = drawn([patch("c-1", push, white), patch("c-2", 3.0, white)])
    wanted = np.array(contrast_colour(push, 3.0), dtype=np.uint8)
    border = (sheet == wanted).all(axis=2)
    assert (border.sum(axis=0) > 190).any()  # a whole side of it
    assert (border.sum(axis=1) > 190).any()


def test_what_is_transparent_shows_the_checker_and_proportions_are_kept() -> None:
    sheet = drawn([patch("c-1", 1.0, (200, 0, 0, 255), size=(10, 40))])
    red = (sheet == np.array((200, 0, 0))).all(axis=2)
    rows, columns = red.any(axis=1).sum(), red.any(axis=0).sum()
    assert columns / rows == pytest.approx(4.0, rel=0.05)
    clear = drawn([patch("c-1", 1.0, (200, 0, 0, 0))])
    assert not (clear == np.array((200, 0, 0))).all(axis=2).any()
    light, dark = ((clear == np.array((level,) * 3)).all(axis=2).sum() for level in (255, 234))
    assert light == pytest.approx(dark, rel=0.1)
    assert dark > 10_000
    half = drawn([patch("c-1", 1.0, (200, 0, 0, 128))]).astype(int)
    for under in (255, 234):  # half red on either square of the checker
        mixed = np.array(((under + 200) / 2, under / 2, under / 2))
        assert (np.abs(half - mixed).max(axis=2) < 3).sum() > 5_000


def test_the_bar_is_as_long_as_the_flip_rate() -> None:
    def ink(flipped: int) -> int:
        sheet = drawn([patch("c-1", 1.0)], {"c-1": (flipped, 80)})
        return int((sheet[-100:] == np.array((38, 36, 40))).all(axis=2).sum(axis=1).max())

    none, quarter, half = ink(0), ink(20), ink(40)
    assert half - none > 60
    assert (half / quarter) == pytest.approx(2.0, rel=0.05)


def test_an_empty_sheet_and_equal_pixels() -> None:
    assert drawn([]).shape[1] == 1920
    patches = [patch(f"c-{number}", float(number)) for number in range(9)]
    assert draw_contact_sheet(patches, "t") == draw_contact_sheet(patches[::-1], "t")
