"""How far icons, crops, words and cells of atlases agree, and what the settings of icons do to that.

    python -m benchmarks.atlas.agreement RUN [RUN/atlases/full ...]
    python -m benchmarks.atlas.agreement --settings RUN OTHER_RUN

The first reads atlases of a run that `auditor atlas` made (the run folder itself is the pair's): how near each icon's
activation is to its own cell's mean and to the others', how alike neighbouring icons are, how often a cell's first
label is the class of its pictures, and how many cells survive.
The second takes 24 cells of each run's full atlas (`auditor atlas RUN --kind full`), renders their icons under
settings changed one at a time, and asks the other run's network which cell's crops an icon belongs to: about 40
seconds a setting on one core.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load

from auditor.atlas.embedding import unit_vectors
from auditor.atlas.grid import bin_numbers
from auditor.atlas.icons import spectrum
from auditor.atlas.icons.head import at_size
from auditor.atlas.icons.objective import Whitening, centre
from auditor.atlas.icons.render import IconSettings, render_icons
from auditor.atlas.icons.transforms import Movement, draw_movements, move, still
from auditor.core.progress import Silence
from auditor.core.records import Cell, FloatArray, PixelArray
from auditor.inputs.opening import Inputs
from auditor.run.audit import open_run, stored_config
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages.atlas import read_atlas
from auditor.run.stages.images import IMAGES
from auditor.run.stages.sheets import natural_crops
from auditor.run.upgrade import open_folder

CELLS = 24
SETTINGS: dict[str, tuple[dict[str, object], dict[str, float]]] = {
    "default": ({}, {}),
    "decay 0.8": ({}, {"_DECAY": 0.8}),
    "decay 1.5": ({}, {"_DECAY": 1.5}),
    "gain 0.06": ({}, {"_GAIN": 0.06}),
    "gain 0.5": ({}, {"_GAIN": 0.5}),
    "ridge 0.01": ({"ridge": 0.01}, {}),
    "ridge 0.1": ({"ridge": 0.1}, {}),
    "ridge 10": ({"ridge": 10.0}, {}),
    "not whitened": ({"ridge": float("inf")}, {}),
    "rate 0.02": ({"learning_rate": 0.02}, {}),
    "rate 0.15": ({"learning_rate": 0.15}, {}),
    "power 0": ({"power": 0.0}, {}),
    "power 2": ({"power": 2.0}, {}),
    "512 steps": ({"steps": 512}, {}),
    "no movement": ({"movement": Movement(0.0, 0.0, 0.0)}, {}),
    "gain 0.1": ({}, {"_GAIN": 0.1}),
    "gain 0.1, decay 1.3": ({}, {"_GAIN": 0.1, "_DECAY": 1.3}),
    "gain 0.08, decay 1.5": ({}, {"_GAIN": 0.08, "_DECAY": 1.5}),
    "gain 0.1, ridge 3": ({"ridge": 3.0}, {"_GAIN": 0.1}),
}
"""Changes to `IconSettings`, and to the constants of the spectrum."""


def opened(path: Path) -> Run:
    folder = open_folder(path)
    return open_run(folder, stored_config(folder), Silence())


def coarsest(cells: tuple[Cell, ...]) -> list[Cell]:
    level = min(cell.level for cell in cells)
    return [cell for cell in cells if cell.level == level]


@torch.no_grad()
def seen_at_centre(inputs: Inputs, icons: PixelArray, moved: bool = False) -> FloatArray:
    """(N, D) activations at the middle of icons (N, 3, s, s), unmoved or the mean of four movements' unit vectors."""
    images = torch.from_numpy(icons).float() / 255
    keys = [str(number) for number in range(len(icons))]
    movements = draw_movements(Movement(), 4, 1, keys) if moved else still(len(icons))[None]
    with at_size(inputs.cut, icons.shape[-1]) as (network, size):
        found = [centre(network.features(move(images, one, size)).grid).mean(2).numpy() for one in movements]
    return np.mean([unit_vectors(one) for one in found], axis=0) if moved else found[0]


def agreement(run: Run, path: Path) -> None:
    """Print one atlas' row."""
    inside = RunFolder(path)
    atlas = read_atlas(inside, 0)
    files = inside.matching(["cache/icons/*.safetensors"])
    made = [icon for file in files for icon in load(inside.read(file))["pixels"]]
    by_level = sorted(atlas.cells, key=lambda cell: cell.level)  # the order in which icons are made
    icons = {cell.name: icon for cell, icon in zip(by_level, made, strict=False)}
    cells = [cell for cell in coarsest(atlas.cells) if cell.name in icons]
    seen = seen_at_centre(run.inputs, np.stack([icons[cell.name] for cell in cells]))
    means = np.stack([cell.mean_activation for cell in cells])
    cosine = unit_vectors(seen) @ unit_vectors(means).T
    own, others = np.diag(cosine), cosine[~np.eye(len(cells), dtype=bool)]
    place = {(cell.column, cell.row): number for number, cell in enumerate(cells)}
    beside = [(n, place[x + dx, y + dy]) for (x, y), n in place.items() for dx, dy in ((1, 0), (0, 1))
              if (x + dx, y + dy) in place]  # fmt: skip
    print(f"{path}: {len(cells)} icons, own {own.mean():.2f}, others {others.mean():.2f}, nearest its own "
          f"{int((cosine.argmax(1) == np.arange(len(cells))).sum())}")  # fmt: skip
    for words, vectors in (("icons", seen), ("means", means)):
        alike = unit_vectors(vectors) @ unit_vectors(vectors).T
        any_two = alike[~np.eye(len(cells), dtype=bool)].mean()
        print(f"  {words}: neighbours {np.mean([alike[pair] for pair in beside]):.2f}, any two {any_two:.2f}")
    labels = np.array([image.label for image in run.get(IMAGES).images])[atlas.samples.image_row]
    bins, named = bin_numbers(atlas.xy, cells[0].level), [cell for cell in coarsest(atlas.cells) if cell.supports]
    inside_of = [labels[bins == cell.row * cell.level + cell.column] for cell in named]
    first = [cell.supports[0].index for cell in named]
    share = np.mean([(own == index).mean() for own, index in zip(inside_of, first, strict=True)])
    chance = np.mean([(labels == index).mean() for index in first])
    commonest = sum(np.bincount(own).argmax() == index for own, index in zip(inside_of, first, strict=True))
    print(
        f"  words: {share:.3f} of a cell's pictures, by chance {chance:.3f}; commonest in {commonest} of {len(named)}"
    )
    whole = coarsest(atlas.cells)
    print(f"  survive: {sum(bool(cell.stability and cell.stability.survives) for cell in whole)} of {len(whole)}")


@dataclass(frozen=True)
class Pack:
    """24 cells of one run's full atlas, with crops, and what the other network makes of the crops (24, D')."""

    inputs: Inputs
    cells: list[Cell]
    crops: list[list[Image.Image]]
    whitening: Whitening


def read_pack(path: Path) -> Pack:
    run = opened(path)
    atlas = read_atlas(RunFolder(path / "atlases/full"), 0)
    cells = coarsest(atlas.cells)
    chosen = [cells[number] for number in np.random.default_rng(0).choice(len(cells), CELLS, replace=False)]
    crop_of = natural_crops(run.inputs, run.get(IMAGES))
    crops = [[crop_of(one.image_row, one.y, one.x) for one in cell.exemplars[:8]] for cell in chosen]
    return Pack(run.inputs, chosen, crops, Whitening.fit(atlas.samples.vectors))


@torch.no_grad()
def read_by(inputs: Inputs, pictures: list[Image.Image]) -> FloatArray:
    """(N, D) mean activation of whole pictures."""
    height, width = inputs.cut.input_size
    resized = [np.asarray(one.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)) for one in pictures]
    images = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 255
    return np.concatenate([inputs.cut.features(part).grid.mean((2, 3)).numpy() for part in torch.split(images, 32)])


def found(asked: FloatArray, known: FloatArray) -> tuple[int, int]:
    """Rows of `asked` (24, D) whose own row of `known` is the most alike, and among the five most alike."""
    cosine = unit_vectors(asked - asked.mean(0)) @ unit_vectors(known - known.mean(0)).T
    rank = (cosine > np.diag(cosine)[:, None]).sum(1)
    return int((rank == 0).sum()), int((rank < 5).sum())


def try_settings(paths: list[Path], pictures: Path | None, only: list[str]) -> None:
    packs = [read_pack(path) for path in paths]
    others = [packs[1].inputs, packs[0].inputs]
    for pack, other in zip(packs, others, strict=True):
        single = read_by(other, [crops[0] for crops in pack.crops])
        rest = np.stack([read_by(other, crops[1:] or crops).mean(0) for crops in pack.crops])
        print("a crop among the means of the others':", found(single, rest))
    constants = {name: getattr(spectrum, name) for name in ("_DECAY", "_GAIN")}
    for label in only or SETTINGS:
        changes, of_spectrum = SETTINGS[label]
        for name, value in {**constants, **of_spectrum}.items():
            setattr(spectrum, name, value)
        spectrum._frequency_scale.cache_clear()
        settings = replace(IconSettings(), **changes)  # type: ignore[arg-type]
        whitened = np.isfinite(settings.ridge)
        for path, pack, other in zip(paths, packs, others, strict=True):
            means = np.stack([cell.mean_activation for cell in pack.cells])
            icons = render_icons(
                pack.inputs.cut, means, [cell.name for cell in pack.cells], settings, 0, Silence(),
                whitening=pack.whitening if whitened else None,
            )  # fmt: skip
            cosine = unit_vectors(seen_at_centre(pack.inputs, icons.pixels)) @ unit_vectors(means).T
            moved = (seen_at_centre(pack.inputs, icons.pixels, moved=True) * unit_vectors(means)).sum(1).mean()
            tiles = [Image.fromarray(icon.transpose(1, 2, 0)) for icon in icons.pixels]
            known = np.stack([read_by(other, crops).mean(0) for crops in pack.crops])
            ends = ((icons.pixels < 8) | (icons.pixels > 247)).mean()
            nearest = int((cosine.argmax(1) == np.arange(CELLS)).sum())
            asked = found(read_by(other, tiles), known)
            scores = f"own {icons.scores.mean():.3f} moved {moved:.3f} nearest {nearest}"
            print(f"{label:24} {path.name:12} {scores} other network {asked} ends {ends:.2f}", flush=True)
            if pictures is not None:
                sheet = Image.new("RGB", (12 * 82, 2 * 82))
                for number, tile in enumerate(tiles):
                    sheet.paste(tile, (number % 12 * 82, number // 12 * 82))
                pictures.mkdir(parents=True, exist_ok=True)
                sheet.save(pictures / f"{path.name}-{label.replace(' ', '-')}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("more", type=Path, nargs="*", help="folders of atlases; with --settings the other run")
    parser.add_argument("--settings", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], choices=list(SETTINGS))
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args()
    if given.settings:
        try_settings([given.run, *given.more], given.pictures, given.only)
        return
    run = opened(given.run)
    for path in given.more or [given.run]:
        agreement(run, path)


if __name__ == "__main__":
    main()
