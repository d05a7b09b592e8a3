"""Planted networks audited with one thing changed: what differs, and how that is held against the scored audits."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.core.config import build_config
from auditor.inputs.world.planted import WORLDS
from auditor.run.worlds.budget import reduced
from auditor.run.worlds.figures import share
from auditor.run.worlds.score import Row
from benchmarks.worlds.variants import VARIANTS, VariantRow, tables

CONFIG = build_config(
    {"source": "mug", "target": "bowl", "model": {"name": "x:y", "layer": "blocks.1"}, "images": {"all": "pictures"}},
    Path(),
)


@pytest.mark.parametrize("words", list(VARIANTS))
def test_a_variant_differs_in_one_thing(words: str) -> None:
    plain = reduced(CONFIG, 3)
    for world in (WORLDS["noodles"], WORLDS["egg"]):
        changed = reduced(CONFIG, 3, VARIANTS[words].of(world))
        sections = [name for name in type(plain).model_fields if getattr(plain, name) != getattr(changed, name)]
        assert len(sections) == 1
        before, after = (getattr(each, sections[0]).model_dump() for each in (plain, changed))
        differing = {name for name in before if before[name] != after[name]}
        assert len(differing) == 1 or differing == {"layer", "layers"}


def scored(world: str, side: str, verdict: str, rank: int | None, flips: int = 50) -> Row:
    return Row(world, side, 0, verdict, 0.5, rank, 5, flips, 100, None, {}, 1000, 10.0)


SCORED = [
    scored("noodles", "planted", "fail", 1),
    scored("egg", "planted", "inconclusive", 2, flips=1),
    scored("noodles", "twin", "pass", None),
    scored("rice", "planted", "fail", 1),
]


def test_a_variant_is_compared_on_the_networks_that_all_audited() -> None:
    rows = [
        VariantRow("x", "noodles", "planted", 0, "pass", None, 500, 5.0),
        VariantRow("x", "egg", "planted", 0, "fail", 1, None, 5.0),
        VariantRow("x", "noodles", "twin", 0, "fail", 1, 1500, 5.0),
    ]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in tables(SCORED, rows).splitlines()]
    assert lines[2] == [
        "as scored", share(1, 2), share(2, 2), share(2, 2), "1/1", "—", "—", "1, 0 of 2", "0, 1 of 1", "1,000",
    ]  # fmt: skip
    assert lines[3] == [
        "x", share(1, 2), share(1, 2), share(1, 2), "0/1", "+0 points (-100 to +100)", "-50 points (-100 to +0)",
        "1, 1 of 2", "1, 0 of 1", "1,000",
    ]  # fmt: skip
    with pytest.raises(SystemExit, match="no network was audited under every variant"):
        tables(SCORED[:1], rows[1:])
