"""Square crops around positions of the layer, cut from the original photograph at its full resolution."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from auditor.atlas.activations import ActivationSet
from auditor.atlas.grid import bin_numbers
from auditor.atlas.positions import crop_box
from auditor.core.records import Cell, FloatArray, ImagePool, IntArray, PixelArray
from auditor.inputs.model.preprocessing import Preprocessing

OpenOriginal = Callable[[int], Image.Image]
"""Opens the original photograph of a row of the pool, RGB at full resolution."""


@dataclass(frozen=True, slots=True)
class CropPlan:
    """Where a crop will be cut: nothing is opened until it is.

    Attributes:
        image_row: of the pool; y, x: grid position of the layer at its centre.
        size: width as a share of the shorter side of the prepared picture.
        box: left, top, right, bottom in the prepared picture's pixels, inside it.
        cell: name of the cell it stands for; contrast: observed push at its centre, logits.
        layer: whose grid, and whose cell, that is.
    """

    image_row: int
    y: int
    x: int
    size: float
    box: tuple[int, int, int, int]
    cell: str
    contrast: float
    layer: str = ""


@dataclass(frozen=True, slots=True)
class CropRules:
    """From which pictures crops may be cut, and how wide.

    Attributes:
        grid: (H', W') of the layer; input_size: (H, W) of the prepared pictures.
        sizes: widths of crops, as shares of the shorter side of the prepared picture.
        allowed: whether a picture of the pool (by row) may give crops.
        layer: its name.
    """

    grid: tuple[int, int]
    input_size: tuple[int, int]
    sizes: Sequence[float]
    allowed: Callable[[int], bool]
    layer: str = ""

    def plan(self, row: int, y: int, x: int, size: float, cell: str = "", contrast: float = float("nan")) -> CropPlan:
        """A crop of a size around a position of a picture."""
        box = crop_box(y, x, self.grid, self.input_size, size)
        return CropPlan(row, y, x, size, box, cell, contrast, self.layer)

    def anywhere(self, rows: Sequence[int] | IntArray, generator: np.random.Generator) -> tuple[int, int, int]:
        """A random picture among `rows`, and a random position y, x in it."""
        row = int(rows[int(generator.integers(len(rows)))])
        return row, int(generator.integers(self.grid[0])), int(generator.integers(self.grid[1]))

    def boxes(self) -> set[tuple[int, int, int, int]]:
        """Every box that a crop of a picture can have."""
        places = [(y, x) for y in range(self.grid[0]) for x in range(self.grid[1])]
        return {crop_box(y, x, self.grid, self.input_size, size) for y, x in places for size in self.sizes}

    def any_size(self, generator: np.random.Generator) -> float:
        return self.sizes[int(generator.integers(len(self.sizes)))]


def cell_names(xy: FloatArray, level: int) -> list[str]:
    """The name of each sample's bin at a grid level, (S,); bins below the minimum count have no cell of that name."""
    return [f"{level}:{number % level}:{number // level}" for number in bin_numbers(xy, level).tolist()]


def plan_exemplar_crops(cells: Sequence[Cell], rules: CropRules, most: int) -> list[CropPlan]:
    """Crops of the cells' exemplars, at most `most`, taken in turns so that every cell is seen before any twice."""
    by_cell = [[exemplar for exemplar in cell.exemplars if rules.allowed(exemplar.image_row)] for cell in cells]
    plans: list[CropPlan] = []
    for turn in range(max((len(exemplars) for exemplars in by_cell), default=0)):
        for cell, exemplars in zip(cells, by_cell, strict=True):
            if turn < len(exemplars):
                found = exemplars[turn]
                plans += [
                    rules.plan(found.image_row, found.y, found.x, size, cell.name, found.contrast)
                    for size in rules.sizes
                ]
    return plans[:most]


def plan_random_crops(
    cells: Sequence[Cell],
    samples: ActivationSet,
    cell_of_sample: Sequence[str],
    rules: CropRules,
    count: int,
    generator: np.random.Generator,
) -> list[CropPlan]:
    """Crops from random cells: a cell, then one of its activations, then a size, each uniformly.

    The comparison group of the suggestions (docs/design.md, section 5, rule 6); no picture is used twice.

    Args:
        cell_of_sample: (S,) the name of each sample's bin at the level of `cells`.
    """
    members: dict[str, list[int]] = {cell.name: [] for cell in cells}
    for index, name in enumerate(cell_of_sample):
        if name in members and rules.allowed(int(samples.image_row[index])):
            members[name].append(index)
    names = [name for name, inside in members.items() if inside]
    plans: list[CropPlan] = []
    used: set[int] = set()
    pictures = {int(samples.image_row[index]) for inside in members.values() for index in inside}
    # a picture that is hard to meet may never come, so the number of attempts is bounded
    for _ in range(20 * count):
        if len(plans) == min(count, len(pictures)):
            break
        name = names[int(generator.integers(len(names)))]
        index = members[name][int(generator.integers(len(members[name])))]
        size = rules.any_size(generator)
        row, y, x = samples.place(index)
        if row in used:
            continue
        used.add(row)
        plans.append(rules.plan(row, y, x, size, name, float(samples.contrast[index])))
    return plans


def plan_further_crops(
    samples: ActivationSet,
    cell_of_sample: Sequence[str],
    rows: IntArray,
    rules: CropRules,
    count: int,
    generator: np.random.Generator,
) -> list[CropPlan]:
    """Crops beside the exemplars: around the atlas' activations in random order, then at random places of `rows`.

    A random place belongs to no cell, and its contrast is not known (NaN). A crop is planned once.

    Args:
        cell_of_sample: (S,) the name of each sample's bin at the finest level.
        rows: pictures of the pool, those that may give crops.
    """
    plans: dict[tuple[int, tuple[int, int, int, int]], CropPlan] = {}

    def add(plan: CropPlan) -> None:
        if len(plans) < count:
            plans.setdefault((plan.image_row, plan.box), plan)

    for index in generator.permutation(len(samples)).tolist():
        row, y, x = samples.place(index)
        if rules.allowed(row):
            for size in rules.sizes:
                add(rules.plan(row, y, x, size, cell_of_sample[index], float(samples.contrast[index])))
    givers = set(rows.tolist())
    beside = sum(row not in givers for row, _ in plans)
    most = min(count, beside + len(givers) * len(rules.boxes()))
    # the last of a picture's places may never come, so the number of attempts is bounded
    for _ in range(3 * count):
        if len(plans) >= most:
            break
        row, y, x = rules.anywhere(rows, generator)
        add(rules.plan(row, y, x, rules.any_size(generator)))
    return list(plans.values())


def prepared_crops(pool: ImagePool, plans: Sequence[CropPlan]) -> list[PixelArray]:
    """(3, side, side) uint8 crops from the prepared pictures, for screening: no file is opened."""
    return [pool.prepared(plan.image_row)[:, plan.box[1] : plan.box[3], plan.box[0] : plan.box[2]] for plan in plans]


def cut_crop(
    original: Image.Image, plan: CropPlan, preprocessing: Preprocessing
) -> tuple[PixelArray, tuple[int, int, int, int]]:
    """Cut a planned crop from its original photograph.

    Returns:
        (4, h, w) uint8 opaque RGBA and its box in the original's pixels.
    """
    box = preprocessing.original_box(*plan.box, original.width, original.height)
    pixels = np.asarray(original.crop(box).convert("RGBA"), dtype=np.uint8)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)), box


def crop_thumbnails(crops: Sequence[PixelArray], side_px: int = 16) -> PixelArray:
    """(N, side, side, 3) uint8 thumbnails of (3, h, w) crops, for merging near-duplicates."""
    resized = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(crop.transpose(1, 2, 0))).resize(
                (side_px, side_px), Image.Resampling.BILINEAR
            ),
            dtype=np.uint8,
        )
        for crop in crops
    ]
    return np.stack(resized) if resized else np.empty((0, side_px, side_px, 3), dtype=np.uint8)


def small_copy(original: Image.Image, most_px: int = 256) -> Image.Image:
    """A photograph with its longer side brought to `most_px`, for a person to see where a crop was cut."""
    scale = most_px / max(original.size)
    size = (max(1, round(original.width * scale)), max(1, round(original.height * scale)))
    return original.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def mark_crop(small: Image.Image, original_size: tuple[int, int], box: tuple[int, int, int, int]) -> bytes:
    """A photograph's small copy with a crop's frame drawn on it, as PNG.

    Args:
        original_size: (width, height) of the photograph; box: of the crop, in the photograph's pixels.
    """
    scale = max(small.size) / max(original_size)
    picture = small.copy()
    frame = tuple(round(edge * scale) for edge in box)
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((frame[0], frame[1], frame[2] - 1, frame[3] - 1), outline=(0, 0, 0), width=4)
    drawing.rectangle((frame[0] + 1, frame[1] + 1, frame[2] - 2, frame[3] - 2), outline=(255, 214, 0), width=2)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # a photograph's bytes hardly shrink for more, at four times the time
    return buffer.getvalue()
