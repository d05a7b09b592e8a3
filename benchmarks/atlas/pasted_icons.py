"""Icons of the atlas of patches as pasted: inverted where a patch lies, or plainly; and torch-lucent's beside them.

    python -m benchmarks.atlas.pasted_icons RUN [--icons 24] [--steps 128] [--lucent-icons 3] [--sheet icons.png]

The cells are the largest of the coarsest level of a finished run's atlas of patches as pasted, the directions their
mean features as pasted. *Under the patch* an icon lies on the screening background at the size of a pasted patch and
is read there; *plain* it fills a picture and is read in the middle, as icons of the paper's atlas are. Both whitened by
the features of all crops, one seed. torch-lucent renders plainly, at the network's size through all of it.

One judge for all, as in `benchmarks.atlas.icons`: objective and cosine, the mean over the same 16 movements, read in
the middle at the icon's size and at the network's; and beside these read under the patch. "Nearest" counts the icons
whose reading under the patch is nearest their own cell of all cells judged, by cosine less the cells' mean.
"""

from __future__ import annotations

import argparse
import importlib
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from auditor.atlas.icons.objective import Whitening, cosine, objective
from auditor.atlas.icons.reading import AtCentre, Reading
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.atlas.icons.transforms import Movement, draw_movements
from auditor.atlas.vectors import second_moment
from auditor.candidates.pasted_icons import UnderPatch
from auditor.core.progress import Silence
from auditor.core.records import FloatArray, PixelArray
from auditor.inputs.model.cut import LayerCut
from auditor.run.audit import open_run, stored_config
from auditor.run.folder import RunFolder
from auditor.run.stages.candidates import CANDIDATES, open_screen, pasted_vectors
from benchmarks.atlas.icons import POWER, lucent_icons, timed
from benchmarks.candidates.pages import table


@torch.no_grad()
def judge(cut: LayerCut, pixels: PixelArray, directions: FloatArray, reading: Reading) -> tuple[float, float, int]:
    """Mean objective, mean cosine, and how many are nearest their own direction."""
    images = torch.from_numpy(pixels).to(cut.classifier.device).float() / 255
    wanted = torch.from_numpy(directions).to(images.device)
    values, cosines, read = [], [], []
    for movement in draw_movements(Movement(4, 0.05, 5), 16, 1, [str(index) for index in range(len(images))]):
        reached = reading.read(cut.features(reading.shown(images, movement)).grid)
        values.append(float(objective(reached, wanted, POWER).mean()))
        cosines.append(float(cosine(reached, wanted).mean()))
        read.append(reached.mean(dim=2))
    mean = torch.stack(read).mean(dim=0)
    middle = wanted.mean(dim=0)
    alike = torch.nn.functional.cosine_similarity((mean - middle)[:, None], (wanted - middle)[None], dim=2)
    nearest = int((alike.argmax(dim=1) == torch.arange(len(mean), device=alike.device)).sum())
    return float(np.mean(values)), float(np.mean(cosines)), nearest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--icons", type=int, default=24)
    parser.add_argument("--side", type=int, default=80)
    parser.add_argument("--steps", type=int, default=IconSettings().steps)
    parser.add_argument("--lucent-icons", type=int, default=3)
    parser.add_argument("--lucent-steps", type=int, default=512)
    parser.add_argument("--sheet", type=Path, help="write the icons as a PNG: under the patch, plain, lucent's")
    options = parser.parse_args()
    if options.lucent_icons:
        importlib.import_module("lucent.optvis.render")  # an installation that lacks something says so at once
    folder = RunFolder.open(options.run)
    run = open_run(folder, stored_config(folder), Silence())
    pasted = run.get(CANDIDATES).pasted
    if pasted is None:
        raise SystemExit(f"{options.run} holds no atlas of patches as pasted")
    level = min(cell.level for cell in pasted.cells)
    cells = sorted(pasted.at_level(level), key=lambda cell: (-cell.count, cell.name))[: options.icons]
    directions, keys = np.stack([cell.mean_activation for cell in cells]), [cell.name for cell in cells]
    cut, background = run.inputs.cut, run.open(open_screen).common
    under = UnderPatch(background)
    settings = IconSettings(side_px=options.side, steps=options.steps, power=POWER)
    whitening = Whitening(second_moment(pasted_vectors(run, pasted)))
    made: dict[str, tuple[PixelArray, float]] = {}
    of: dict[str, Reading | None] = {"under the patch": under, "plain": None}
    for name, inverted in of.items():
        work = partial(
            render_icons, cut, directions, keys, settings, 0, Silence(), whitening=whitening, reading=inverted
        )
        icons, seconds = timed(work, cut.classifier.device)
        made[name] = icons.pixels, seconds
    if options.lucent_icons:
        few = directions[: options.lucent_icons]
        made["torch-lucent"] = timed(
            lambda: lucent_icons(cut.classifier, few, options.side, options.lucent_steps, cut.layer),
            cut.classifier.device,
        )
    own = cut.input_size
    readings: dict[str, Reading] = {f"middle, {options.side} px": AtCentre((options.side, options.side)),
                f"middle, {own[0]} px": AtCentre(own), "under the patch": under}  # fmt: skip
    rows = []
    for count in dict.fromkeys((options.icons, options.lucent_icons)):
        for name, (pixels, seconds) in made.items():
            if not 0 < count <= len(pixels):
                continue
            said = [judge(cut, pixels[:count], directions[:count], reading) for reading in readings.values()]
            each = [f"{value:.2f}, {reached:.3f}" for value, reached, _ in said]
            rows.append([name, str(min(count, len(pixels))), *each, str(said[-1][2]), f"{seconds / len(pixels):.2f}"])
    print(
        table(["icons", "judged", *(f"{name}: objective, cosine" for name in readings), "nearest", "s an icon"], rows)
    )
    if options.sheet:
        lines = [np.concatenate(list(pixels), axis=2) for pixels, _ in made.values()]
        widest = max(line.shape[2] for line in lines)
        padded = [np.pad(line, ((0, 0), (0, 4), (0, widest - line.shape[2])), constant_values=255) for line in lines]
        Image.fromarray(np.concatenate(padded, axis=1).transpose(1, 2, 0)).save(options.sheet)


if __name__ == "__main__":
    main()
