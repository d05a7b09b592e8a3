"""Flipped confirmation pictures before and after, for a person to look at."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from auditor.core.records import Example, PixelArray, Split
from auditor.core.records.trials import ConfirmedTrials
from auditor.core.shelf import slug
from auditor.report.order import most_worrying, one_a_candidate
from auditor.run.folder import RunFolder
from auditor.statistics.findings import make_findings
from auditor.trials.bench import Bench
from auditor.trials.patch import Patch
from auditor.trials.placements import variants_of

CANDIDATES = 8
"""As many as an audit confirms by default, so that no failing one goes without a picture."""
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
    bench: Bench,
    confirmed: Sequence[ConfirmedTrials],
    patches: Sequence[Patch],
    candidates: int,
    per_candidate: int,
) -> list[Flipped]:
    """The first few flipped pictures, by key, of the candidates that worry most, each at the placement that does.

    Failing ones first, then open ones, then the rest. Each shows other photographs than those before it, as long as it
    flips any.
    """
    rgba_of = {patch.candidate.id: patch.rgba for patch in patches}
    sweep = bench.table.sweep(Split.CONFIRMATION)
    found, shown = [], Counter[str]()
    for one in by_concern(bench, confirmed)[:candidates]:
        block, identity = one.block, one.candidate.id
        variants = variants_of(one.placement, bench.config.trials, one.candidate.spot)
        flipped = sorted(np.flatnonzero(block.outcomes), key=lambda column: shown[block.image_keys[column]])
        for column in flipped[:per_candidate]:
            row = int(np.argmax(np.where(block.flips[:, column], block.after[:, column], -1.0)))
            shown[block.image_keys[column]] += 1
            before, after = sweep.picture(block.image_keys[column], rgba_of[identity], variants[row], identity)
            found.append(Flipped(one, row, int(column), before, after))
    return found


def by_concern(bench: Bench, confirmed: Sequence[ConfirmedTrials], flipping: bool = True) -> list[ConfirmedTrials]:
    """Each candidate once, at its most worrying placement, the most worrying candidate first.

    Args:
        flipping: leave out those that flip nothing.
    """
    kept = [one for one in confirmed if one.block.outcomes.any() or not flipping]
    by_name = {(one.candidate.id, one.placement): one for one in kept}
    ordered = most_worrying(make_findings(confirmed, bench.table.inputs.limits, {}))
    there = [finding for finding in ordered if (finding.candidate.id, finding.placement) in by_name]
    return [by_name[finding.candidate.id, finding.placement] for finding in one_a_candidate(there)]


def draw_examples(
    folder: RunFolder,
    bench: Bench,
    confirmed: Sequence[ConfirmedTrials],
    patches: Sequence[Patch],
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
