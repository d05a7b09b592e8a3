"""Flipped confirmation pictures before and after, for a person to look at."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from auditor.core.records import Example, PixelArray, Split
from auditor.core.records.trials import ConfirmedTrials
from auditor.core.shelf import slug
from auditor.run.folder import RunFolder
from auditor.trials.bench import Bench
from auditor.trials.patch import Patch
from auditor.trials.placements import variants_of

CANDIDATES = 4
PER_CANDIDATE = 3
SIDE_PX = 224


@dataclass(frozen=True, slots=True)
class Flipped:
    """One flipped picture: row and column of its trial in the block, and (3, H, W) uint8 before and after."""

    trials: ConfirmedTrials
    row: int
    column: int
    before: PixelArray
    after: PixelArray

    @property
    def name(self) -> str:
        key = self.trials.block.image_keys[self.column]
        return f"{slug(self.trials.candidate.id)}-{self.trials.placement}-{key}"


def flipped_pictures(
    bench: Bench, confirmed: Sequence[ConfirmedTrials], patches: Sequence[Patch], candidates: int, per_candidate: int
) -> list[Flipped]:
    """The first few flipped pictures, by key, of the candidates that flip most."""
    by_flips = sorted(confirmed, key=lambda one: (-int(one.block.outcomes.sum()), one.candidate.id))
    rgba_of = {patch.candidate.id: patch.rgba for patch in patches}
    sweep = bench.table.sweep(Split.CONFIRMATION)
    found = []
    for one in by_flips[:candidates]:
        block, identity = one.block, one.candidate.id
        variants = variants_of(one.placement, bench.config.trials)
        for column in np.flatnonzero(block.outcomes)[:per_candidate]:
            row = int(np.argmax(np.where(block.flips[:, column], block.after[:, column], -1.0)))
            before, after = sweep.picture(block.image_keys[column], rgba_of[identity], variants[row], identity)
            found.append(Flipped(one, row, int(column), before, after))
    return found


def draw_examples(
    folder: RunFolder, bench: Bench, confirmed: Sequence[ConfirmedTrials], patches: Sequence[Patch]
) -> tuple[Example, ...]:
    """Flipped pictures, each drawn before | after."""
    path_of = {image.key: image.path for image in bench.table.pool.images}
    names = bench.table.inputs.class_names
    examples = []
    for one in flipped_pictures(bench, confirmed, patches, CANDIDATES, PER_CANDIDATE):
        block, column = one.trials.block, one.column
        picture = f"example-{one.name}"
        folder.write(f"pictures/{picture}.png", side_by_side(one.before, one.after))
        examples.append(
            Example(
                candidate=one.trials.candidate.id,
                placement=str(one.trials.placement),
                image_path=path_of[block.image_keys[column]],
                clean_class=names[int(block.clean[column])],
                patched_class=names[int(block.patched[one.row, column])],
                probability_before=float(block.before[column]),
                probability_after=float(block.after[one.row, column]),
                picture=picture,
            )
        )
    return tuple(examples)


def side_by_side(before: PixelArray, after: PixelArray) -> bytes:
    """Two (3, H, W) pictures beside each other as PNG, each at least 224 px high, on white."""
    scale = max(1, round(SIDE_PX / before.shape[1]))
    pictures = [Image.fromarray(np.ascontiguousarray(each.transpose(1, 2, 0))) for each in (before, after)]
    width, height = pictures[0].width * scale, pictures[0].height * scale
    sheet = Image.new("RGB", (2 * width + 8, height), "white")
    for place, picture in enumerate(pictures):
        sheet.paste(picture.resize((width, height), Image.Resampling.BICUBIC), (place * (width + 8), 0))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()
