"""Records go into tables and JSON and come back as they were, empty fields and NaN included."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.core.config import TrialsConfig
from auditor.core.records import (
    AuditResult,
    Candidate,
    Cell,
    CellLabel,
    CellStability,
    ClassGroup,
    CleanAccuracy,
    Confusion,
    ControlResult,
    Correlation,
    Example,
    Exemplar,
    Finding,
    Fragility,
    GroupMean,
    ImageRecord,
    Interval,
    Limits,
    Origin,
    Placement,
    Review,
    ReviewMark,
    Role,
    Rung,
    Share,
    SkippedImage,
    Split,
    SplitCount,
    Subject,
    SuggestionValidity,
    SurveyRow,
    Tier,
    Verdict,
)
from auditor.core.records.trials import Draws, TrialBlock, TrialName
from auditor.run.folder import RunFolder
from auditor.run.tables import (
    candidates_from_table,
    candidates_table,
    cells_from_table,
    cells_table,
    images_from_table,
    images_table,
    result_from_json,
    result_to_json,
)
from auditor.trials.blocks import block_to_bytes, blocks_of, trials_from_table, trials_table
from auditor.trials.placements import draw, variants_of

NAN = float("nan")


def stored(table: pa.Table, folder: Path) -> pa.Table:
    """The table as it comes back from a file."""
    pq.write_table(table, folder / "table.parquet")
    return pq.read_table(folder / "table.parquet", partitioning=None)


def crop(identity: str = "c-001") -> Candidate:
    return Candidate(
        identity, "noodles (from a picture of wok)", Origin.CROP, Tier.TARGET_CONTEXT, "ab" * 32, "key1", "wok/ä.jpg",
        "wok", (10, 20, 310, 320), "20:19:3", 1.25, 0.5, (("noodles", 0.75), ("wok", 0.01)), Role.RANDOM, True, "",
        ("c-002", "c-003"),
    )  # fmt: skip


BROUGHT = Candidate("l-noise", "uniform noise", Origin.LIBRARY, Tier.SYNTHETIC, "cd" * 32, licence="Apache-2.0")


def same(first: object, second: object) -> None:
    """Equal in every field, NaN equal to itself; and of the same types, so that enumerations come back as such."""
    if dataclasses.is_dataclass(first):
        assert type(first) is type(second)
        for field in dataclasses.fields(first):
            same(getattr(first, field.name), getattr(second, field.name))
    elif isinstance(first, tuple):
        assert isinstance(second, tuple)
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            same(one, other)
    elif isinstance(first, dict):
        assert isinstance(second, dict)
        assert list(first) == list(second)
        for name, one in first.items():
            same(one, second[name])
    elif isinstance(first, np.ndarray):
        assert isinstance(second, np.ndarray)
        assert first.dtype == second.dtype
        np.testing.assert_array_equal(first, second)
    elif isinstance(first, float) and math.isnan(first):
        assert isinstance(second, float)
        assert math.isnan(second)
    else:
        assert type(first) is type(second)
        assert first == second


def test_images_come_back(tmp_path: Path) -> None:
    images = (
        ImageRecord("k1", "0" * 64, "pan/ä 1.jpg", 0, Split.DISCOVERY, 640, 480),
        ImageRecord("k2", "1" * 64, "wok/2.jpg", 1, Split.CONFIRMATION, 100, 2000),
    )
    table = stored(images_table(images, ("pan", "wok")), tmp_path)
    assert table["label_name"].to_pylist() == ["pan", "wok"]
    same(images_from_table(table), images)


@pytest.mark.parametrize("candidates", [(crop(), BROUGHT), (BROUGHT, crop()), (BROUGHT,), (crop(), crop("r-001"))])
def test_candidates_come_back_without_box_and_with_nan(tmp_path: Path, candidates: tuple[Candidate, ...]) -> None:
    same(candidates_from_table(stored(candidates_table(candidates), tmp_path)), candidates)


@pytest.mark.parametrize(
    ("identity", "role"),
    [("c-001", Role.SUGGESTED), ("r-001", Role.RANDOM), ("k-010", Role.STRONGEST_CONTRAST), ("u-r-1", Role.SUGGESTED)],
)
def test_in_an_older_run_the_id_alone_tells_the_role(tmp_path: Path, identity: str, role: Role) -> None:
    candidate = dataclasses.replace(crop(identity), role=role)
    table = stored(candidates_table([candidate]), tmp_path)
    assert table["suggested"].to_pylist() == [role is Role.SUGGESTED]
    same(candidates_from_table(table.drop_columns(["role"])), (candidate,))
    finding = dataclasses.replace(result().findings[0], candidate=candidate)
    row = SurveyRow(candidate, 0, 0, 2, 40, -0.05, 1.0, 1.0, True)
    made = dataclasses.replace(result(), findings=(finding,), survey=(row,))
    older = json.loads(result_to_json(made))
    for held in (older["findings"][0], older["survey"][0]):
        assert held["candidate"].pop("role") == role
        held["candidate"]["suggested"] = role is Role.SUGGESTED
    same(result_from_json(json.dumps(older), made.cells, dict(made.pictures)), made)


def test_no_candidates_come_back_as_none() -> None:
    assert candidates_from_table(candidates_table([])) == ()


def test_cells_come_back(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)

    def vector(length: int) -> np.ndarray:
        return generator.standard_normal(length).astype(np.float32)

    errors = vector(3)
    errors[1] = NAN
    exemplars = (Exemplar(1, 3, 4, 0.5), Exemplar(0, 0, 6, -0.25))
    cells = (
        Cell(
            10,
            9,
            2,
            14,
            3,
            vector(8),
            vector(3),
            errors,
            1.5,
            0.25,
            exemplars,
            0.75,
            NAN,
            CellStability((1.2, NAN), (0.5,), 0.75, False),
            (CellLabel(2, 0.5, 0.125), CellLabel(0, 0.25, 0.0625)),
        ),
        Cell(20, 0, 19, 3, 1, vector(8), vector(3), np.full(3, NAN, np.float32), -2.0, NAN, ()),
    )
    table = stored(cells_table(cells, ["k0", "k1"]), tmp_path)
    assert table["name"].to_pylist() == ["10:9:2", "20:0:19"]
    assert [one["image"] for one in table["exemplars"].to_pylist()[0]] == ["k1", "k0"]
    same(cells_from_table(table), cells)


def block_of(variants: int, images: int) -> TrialBlock:
    generator = np.random.default_rng(variants * 10 + images)
    patched = generator.integers(0, 3, size=(variants, images))
    return TrialBlock(
        image_keys=tuple(f"k{number}" for number in range(images)),
        variants=tuple(f"best: corner {number}, 0.5" for number in range(variants)),
        draws=tuple(Draws(*generator.standard_normal((8, images))) for _ in range(variants)),
        clean=generator.integers(0, 3, size=images),
        patched=patched,
        before=generator.random(images, dtype=np.float32),
        after=generator.random((variants, images), dtype=np.float32),
        flips=patched == 1,
        rank_before=generator.integers(1, 4, size=images),
        rank_after=generator.integers(1, 4, size=(variants, images)),
    )


@pytest.mark.parametrize("placement", [Placement.PHOTOGRAPHED, Placement.QUADRILATERAL])
def test_what_a_placement_draws_in_addition_comes_back(tmp_path: Path, placement: Placement) -> None:
    """Alone and out of the table of several placements, where it is null for the others."""
    config, blocks = TrialsConfig(), {}
    for one in (Placement.FIXED, placement):
        block = block_of(1, 7)
        (variant,) = variants_of(one, config)
        drawn = draw(variant, config, block.image_keys, "c-001", (1.0, 0.8), (32, 32), 0)
        name = TrialName(Split.CONFIRMATION, "c-001", "", one)
        blocks[name] = replace(block, variants=(variant.name,), draws=(drawn,))
    folder = RunFolder.create(tmp_path / "run", {})
    for number, (name, block) in enumerate(blocks.items()):
        folder.write(f"parts/{number}.parquet", block_to_bytes(name, block, ("pan", "wok", "cup")))
    assert folder.join_tables("all.parquet", ["parts/1.parquet", "parts/0.parquet"]) == 14
    table = folder.read_table("all.parquet")
    assert set(blocks[name].draws[0].also) <= set(table.column_names)
    came = blocks_of(table)
    for name, block in blocks.items():
        same(came[name], block)


@pytest.mark.parametrize(("variants", "images"), [(1, 1), (1, 7), (12, 5)])
def test_trials_come_back(tmp_path: Path, variants: int, images: int) -> None:
    block = block_of(variants, images)
    name = TrialName(Split.CONFIRMATION, "c-001", "noise", Placement.BEST)
    same(trials_from_table(stored(trials_table(name, block, ("pan", "wok", "cup")), tmp_path)), block)


def test_every_rate_can_be_counted_again_from_the_rows() -> None:
    block = block_of(3, 11)
    name = TrialName(Split.SELECTION, "c-004", "", Placement.BEST)
    rows = trials_table(name, block, ("pan", "wok", "cup")).to_pylist()
    assert len(rows) == 33
    assert {(row["split"], row["candidate"], row["control"], row["placement"]) for row in rows} == {
        ("selection", "c-004", "", "best")
    }
    for variant in range(3):
        for image in range(11):
            row = rows[variant * 11 + image]
            assert (row["image"], row["variant"]) == (f"k{image}", block.variants[variant])
            assert row["patched_class"] == ("pan", "wok", "cup")[block.patched[variant, image]]
            assert row["clean_class"] == ("pan", "wok", "cup")[block.clean[image]]
            assert row["side_px"] == block.draws[variant].side_px[image]
            assert row["target_before"] == block.before[image]
            assert row["target_after"] == block.after[variant, image]
            assert row["flip"] == (row["patched_class"] == "wok")
    flipped = {row["image"] for row in rows if row["flip"]}
    assert len(flipped) == block.outcomes.sum()


def result() -> AuditResult:
    bounds = Interval(0.25, 0.75, 0.9875, "Tango score, intersection–union")
    control = ControlResult("noise", 3, 40, 0.5, bounds, 0.001)
    finding = Finding(
        crop(), Placement.BEST, 30, 40, 0.75, bounds, (control, control), control, 0.5, bounds, 1e-9, 4e-9, 0.1, 0.8,
        Verdict.FAIL, "a reason — with “signs”", None, Review("c-001", ReviewMark.CONTEXT, "A. Person", "noodles"),
    )  # fmt: skip
    open_one = dataclasses.replace(
        finding, candidate=BROUGHT, verdict=Verdict.INCONCLUSIVE, images_needed=321, review=None
    )
    group = GroupMean(3, 26, 90, 26 / 90, bounds)
    return AuditResult(
        run="first",
        source=ClassGroup("pan", (0,)),
        target=ClassGroup("woks", (1, 2)),
        subject=Subject("net", "net.safetensors", "ef" * 32, "layer3", "default", "cpu", (224, 224), "as usual", 3),
        class_names=("pan", "wok", "wok lid"),
        eligibility="held-out pictures",
        limits=Limits(0.1, 0.25, 0.95),
        verdict=Verdict.FAIL,
        verdict_reason="one fails",
        splits=(SplitCount(Split.DISCOVERY, 10, 4, 3), SplitCount(Split.CONFIRMATION, 90, 44, 40)),
        skipped=(SkippedImage("pan/broken.jpg", "not a picture", "truncated"),),
        hypotheses_tried=64,
        hypotheses_confirmed=2,
        rungs=(Rung("atlas", 900, 400, "class filter"),),
        cells=(),
        findings=(finding, open_one),
        survey=(SurveyRow(BROUGHT, 0, 0, 2, 40, -0.05, 1.0, 1.0, True),),
        fragility=Fragility("noise", "c-001", "best", 3, 40, 0.075, bounds, 12, 0.25, Verdict.PASS),
        suggestion_validity=SuggestionValidity(
            Correlation(NAN, None, 2),
            Correlation(0.5, bounds, 9),
            group,
            GroupMean(0, 0, 0, NAN, None),
            NAN,
            None,
            "grey",
        ),
        examples=(Example("c-001", "best", "pan/1.jpg", "pan", "wok", 0.1, 0.9, "example-1"),),
        notes=("a note",),
        versions={"torch": "2.4", "auditor": "0.1.0"},
        seed=7,
        images_needed=None,
        times={"atlas": 1.5},
        pictures={"example-1": b"\x89PNG"},
        accuracy=CleanAccuracy(
            Share(30, 40, bounds),
            Share(9, 10, bounds),
            Share(0, 0, None),
            Share(2, 30, bounds),
            0,
            Share(20, 40, bounds),
            Share(8, 30, bounds),
            (0, 1),
            ((9, 1, 0), (2, 3, 1)),
            (Confusion(1, 0, 2, 6),),
            ("a doubt",),
            True,
        ),
    )


def test_a_result_comes_back_from_json() -> None:
    made = result()
    text = result_to_json(made)
    assert "pictures" not in json.loads(text)
    assert "cells" not in json.loads(text)
    same(result_from_json(text, made.cells, dict(made.pictures)), made)


def test_an_older_result_knows_nothing_of_the_models_own_classes() -> None:
    made = dataclasses.replace(result(), accuracy=None)
    older = json.loads(result_to_json(made))
    del older["accuracy"]
    same(result_from_json(json.dumps(older), made.cells, dict(made.pictures)), made)


def test_a_result_with_nothing_found_comes_back() -> None:
    made = dataclasses.replace(
        result(), findings=(), survey=(), fragility=None, suggestion_validity=None, examples=(), images_needed=52
    )
    same(result_from_json(result_to_json(made), (), dict(made.pictures)), made)


def test_the_same_result_gives_the_same_text() -> None:
    assert result_to_json(result()) == result_to_json(result())
