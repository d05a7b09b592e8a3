"""The pictures of a survey's report: its crops, and for the pairs that lead a picture before and after."""

from __future__ import annotations

import numpy as np

from auditor.core.errors import DamagedFileError
from auditor.core.records import PixelArray, Split
from auditor.core.records.whole_model import WholeModel
from auditor.report.whole_model import shown_pairs
from auditor.run.folder import RunFolder
from auditor.run.stage import Facts, Run, Stage
from auditor.run.survey.confirmed import CONFIRMED, pastes
from auditor.run.survey.crops import CROPS, cut
from auditor.run.survey.numbers import NUMBERS, shown_names, source_index
from auditor.run.survey.pasting import crop_number, open_pasting, place_of
from auditor.trials.patch import patch_png

EXAMPLES = 12
"""Pairs that are shown with a picture before and after."""


def _make(run: Run, folder: RunFolder) -> Facts:
    whole, crops = run.get(NUMBERS), run.get(CROPS)
    names = dict.fromkeys([pair.measured.crop for pair in shown_pairs(whole)] + [one.crop for one in whole.features])
    run.progress.start("pictures of crops", len(names))
    for name in names:
        folder.write(f"pictures/crop-{name}.png", patch_png(cut(run, crops, [crop_number(name)])[0]))
        run.progress.advance()
    return {"crops": len(names), "examples": _write_examples(run, folder, whole)}


def _write_examples(run: Run, folder: RunFolder, whole: WholeModel) -> int:
    """Of each pair that leads the first confirmation picture that its crop flips and no covering does."""
    targets = shown_names(run)
    pasting, count = open_pasting(run), 0
    tables = dict(pastes(run))
    for place, pair in enumerate(shown_pairs(whole)[:EXAMPLES], start=1):
        source, target = source_index(run, pair.source), targets.index(pair.target)
        number = crop_number(pair.measured.crop)
        rows = tables[source].to_pandas()
        images = [pasting.pool.images[row] for row in pasting.rows(Split.CONFIRMATION, source)]
        others = [image.key for image in images if image.label != target]
        news = rows["image"].isin(others) & (rows["called"] == target)
        flipped = rows.loc[(rows["crop"] == number) & news, "image"]
        there = (rows["crop"] < 0) & (rows["place"] == place_of(pair.measured.spot))
        covered = set(rows.loc[there & news, "image"])
        known = [key for key in flipped if key not in covered] or list(flipped)
        if known:
            rgba = cut(run, pasting.crops, [number])[0]
            sweep = pasting.sweep(Split.CONFIRMATION, source)
            variant = pasting.variant(pair.measured.spot)
            before, after = sweep.picture(known[0], rgba, variant, pair.measured.crop)
            folder.write(f"pictures/pasted-{place}.png", patch_png(_beside(before, after)))
            count += 1
    return count


def _beside(first: PixelArray, second: PixelArray) -> PixelArray:
    """(4, H, W') two (3, H, W) pictures beside each other."""
    gap = np.full((3, first.shape[1], max(2, first.shape[2] // 30)), 255, dtype=np.uint8)
    both = np.concatenate([first, gap, second], axis=2)
    opaque = np.full((1, *both.shape[1:]), 255, dtype=np.uint8)
    opaque[:, :, first.shape[2] : first.shape[2] + gap.shape[2]] = 0
    return np.concatenate([both, opaque])


def stored_pictures(folder: RunFolder) -> dict[str, bytes]:
    """The pictures by their key, of a finished survey."""
    files = folder.files_of(PICTURES.name)
    missing = [file for file in files if not folder.has(file)]
    if missing:
        raise DamagedFileError(f"{folder.path} lacks {missing[0]}; 'auditor survey {folder.path}' makes it again")
    return {file.removeprefix("pictures/").removesuffix(".png"): folder.read(file) for file in files}


def _read(run: Run) -> dict[str, bytes]:
    return stored_pictures(run.folder)


PICTURES = Stage(
    "pictures of a survey",
    (CROPS, CONFIRMED, NUMBERS),
    ("pictures/crop-*", "pictures/pasted-*"),
    _make,
    _read,
    needed=("pictures/crop-*", "pictures/pasted-*"),
)
