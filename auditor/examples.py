"""Flipped confirmation pictures before and after, for a person to look at."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from auditor.candidates.patch import Patch
from auditor.measuring import Bench
from auditor.records import Example, PixelArray, Split
from auditor.store import RunFolder, slug
from auditor.trials.findings import ConfirmedTrials
from auditor.trials.placements import variants_of

CANDIDATES = 4
PER_CANDIDATE = 3
SIDE_PX = 224


def draw_examples(
    run: RunFolder, bench: Bench, confirmed: Sequence[ConfirmedTrials], patches: Sequence[Patch]
) -> tuple[Example, ...]:
    """The first few flipped pictures, by key, of the candidates that flip most; each is drawn before | after."""
    by_flips = sorted(confirmed, key=lambda one: (-int(one.block.outcomes.sum()), one.candidate.id))
    rgba_of = {patch.candidate.id: patch.rgba for patch in patches}
    sweep = bench.sweep(Split.CONFIRMATION)
    path_of = {image.key: image.path for image in bench.pool.images}
    names = bench.setup.class_names
    examples = []
    for one in by_flips[:CANDIDATES]:
        block, identity = one.block, one.candidate.id
        variants = variants_of(one.placement, bench.setup.config.trials)
        for column in np.flatnonzero(block.outcomes)[:PER_CANDIDATE]:
            row = int(np.argmax(np.where(block.flips[:, column], block.after[:, column], -1.0)))
            key = block.image_keys[column]
            before, after = sweep.picture(key, rgba_of[identity], variants[row], identity)
            picture = f"example-{slug(identity)}-{one.placement}-{key}"
            run.write_bytes(f"pictures/{picture}.png", side_by_side(before, after))
            examples.append(
                Example(
                    candidate=identity,
                    placement=str(one.placement),
                    image_path=path_of[key],
                    clean_class=names[int(block.clean[column])],
                    patched_class=names[int(block.patched[row, column])],
                    probability_before=float(block.before[column]),
                    probability_after=float(block.after[row, column]),
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
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
