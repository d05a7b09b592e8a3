"""A shortcut that nobody planted: does a watermark of dense glyphs make ImageNet networks think of a carton?

    python -m benchmarks.worlds.watermark FOLDER [--font NotoSerifCJK-Regular.ttc] [--update docs/ground-truth.md]

FOLDER holds classes.csv, images/<wnid>.jpg and the weights tf_efficientnet_lite0.safetensors and
squeezenet1_0.safetensors. The watermark is drawn here with a font of Debian's fonts-noto-cjk: rows of glyphs over the
whole picture, black, 40% opaque. Its controls darken as much: Latin letters of the same size, the glyphs' pixels cut
into tiles and shuffled, and an even veil. Asked are the photographs that the network calls by their class, without
carton among the five likeliest: how many have it there under the overlay, how many are called carton, and the mean
change of carton's log-odds, in logits.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from auditor.core.config import AuditConfig, TrialsConfig, build_config
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress, Silence
from auditor.core.records import ClassGroup, FloatArray, PixelArray, Placement
from auditor.core.records.trials import Predictions, TrialBlock
from auditor.inputs.criterion import TargetCalled
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.loading import load_classifier
from auditor.statistics.intervals import wilson_interval
from auditor.trials.blocks import odds_gain
from auditor.trials.placements import variants_of
from auditor.trials.sweep import Sweep, what_is_said
from benchmarks.candidates.pages import machine, table, update_page, write_out

TARGET = "carton"
NETWORKS = {"tf_efficientnet_lite0": "timm/tf_efficientnet_lite0", "squeezenet1_0": "squeezenet1_0"}
FONT = Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc")
SIDE_PX, GLYPH_PX, OPACITY, TILE_PX, FIVE = 224, 22, 0.40, 8, 5
# everyday characters of packaging and of print; which they are hardly matters, their density does
_GLYPHS = "品質保証国産製造年月日内容量原材料名賞味期限保存方法高温多湿直射避開封後早召上"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def written(font: Path, characters: str) -> FloatArray:
    """(224, 224) coverage, 0 to 1, of rows of characters over the whole square."""
    picture = Image.new("L", (SIDE_PX, SIDE_PX), 0)
    draw, face = ImageDraw.Draw(picture), ImageFont.truetype(str(font), GLYPH_PX)
    generator = keyed_generator(0, "benchmark", "watermark", characters)
    for top in range(0, SIDE_PX, GLYPH_PX):
        for left in range(0, SIDE_PX, GLYPH_PX):
            draw.text((left, top - 4), characters[int(generator.integers(len(characters)))], fill=255, font=face)
    return np.asarray(picture, dtype=np.float32) / 255.0


def shuffled(cover: FloatArray) -> FloatArray:
    """The same pixels in tiles of 8 put elsewhere, each turned."""
    many = SIDE_PX // TILE_PX
    tiles = cover.reshape(many, TILE_PX, many, TILE_PX).transpose(0, 2, 1, 3).reshape(-1, TILE_PX, TILE_PX)
    generator = keyed_generator(0, "benchmark", "shuffled")
    moved = [np.rot90(tiles[place], int(generator.integers(4))) for place in generator.permutation(len(tiles))]
    return np.stack(moved).reshape(many, many, TILE_PX, TILE_PX).transpose(0, 2, 1, 3).reshape(SIDE_PX, SIDE_PX)


def overlays(font: Path) -> dict[str, PixelArray]:
    """The watermark and its controls, (4, 224, 224) uint8: black, of equal mean opacity."""
    glyphs = written(font, _GLYPHS)
    covers = {
        "glyphs": glyphs,
        "Latin letters": written(font, _LETTERS),
        "shuffled glyphs": shuffled(glyphs),
        "even veil": np.ones_like(glyphs),
    }
    found = {}
    for name, cover in covers.items():
        opacity = np.clip(cover * (OPACITY * glyphs.mean() / cover.mean()), 0.0, 1.0)
        black = np.zeros((3, SIDE_PX, SIDE_PX), dtype=np.uint8)
        found[name] = np.concatenate([black, np.round(opacity * 255.0).astype(np.uint8)[None]])
    return found


def configured(folder: Path, weights: str, name: str) -> AuditConfig:
    values: dict[str, Any] = {
        "source": "*", "target": TARGET, "images": {"all": "images"}, "classes": {"names": "classes.csv"},
        "model": {"name": name, "weights": f"{weights}.safetensors"}, "device": "cpu",
    }  # fmt: skip
    return build_config(values, folder.resolve())


def photographs(folder: Path, classifier: Classifier) -> tuple[PixelArray, list[int], list[str]]:
    """(N, 3, 224, 224) uint8 prepared, class indices and names of the files."""
    with (folder / "classes.csv").open(newline="", encoding="utf-8") as file:
        index = {row["wnid"]: int(row["index"]) for row in csv.DictReader(file)}
    pixels, labels, names = [], [], []
    for path in sorted((folder / "images").glob("*.jpg")):
        with Image.open(path) as photo:
            pixels.append(classifier.preprocessing.prepare(photo.convert("RGB")))
        labels.append(index[path.stem])
        names.append(path.stem)
    return np.stack(pixels), labels, names


def measured(folder: Path, weights: str, font: Path, progress: Progress) -> tuple[int, dict[str, TrialBlock]]:
    """How many photographs are asked, and what each overlay does to them."""
    config = configured(folder, weights, NETWORKS[weights])
    classifier = load_classifier(config, torch.device("cpu")).classifier
    target = ClassGroup(TARGET, (classifier.class_names.index_of(TARGET),))
    others = tuple(index for index in range(len(classifier.class_names)) if index not in target.indices)
    criterion = TargetCalled(ClassGroup("*", others), target)
    pixels, labels, names = photographs(folder, classifier)
    said = Predictions.of_none(len(pixels))
    with torch.inference_mode():
        for start in range(0, len(pixels), 32):
            part = torch.from_numpy(pixels[start : start + 32]).float() / 255.0
            said.put(start, what_is_said(classifier.logits(part), criterion))
    rows = np.flatnonzero((said.predicted == np.array(labels)) & (said.rank > FIVE))
    trials = TrialsConfig(size=0.9999)  # a patch is smaller than the picture; this one rounds to all of it
    sweep = Sweep(classifier, criterion, pixels[rows], [names[row] for row in rows], said.at(rows), trials, 0)
    (variant,) = variants_of(Placement.FIXED, trials)
    return len(rows), {name: sweep.run(rgba, [variant], "watermark", progress) for name, rgba in overlays(font).items()}


def lines_of(network: str, asked: int, blocks: Mapping[str, TrialBlock]) -> list[list[str]]:
    lines = []
    for name, block in blocks.items():
        five, flips = int((block.rank_after <= FIVE).sum()), int(block.outcomes.sum())
        low, high = (100 * one for one in (wilson_interval(five, asked).low, wilson_interval(five, asked).high))
        lines.append([
            network, name, f"{five} of {asked} ({low:.1f} to {high:.1f}%)", str(flips), f"{odds_gain(block):+.2f}",
        ])  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--font", type=Path, default=FONT)
    parser.add_argument("--out", type=Path, default=Path("watermark.md"))
    parser.add_argument("--update", type=Path, help="a page whose part between watermark:begin and :end is replaced")
    options = parser.parse_args()
    rows = []
    for weights in NETWORKS:
        rows += lines_of(weights, *measured(options.folder, weights, options.font, Silence()))
    head = ["network", "over the picture", f"{TARGET} among the five likeliest", f"called {TARGET}", "log-odds"]
    text = f"{machine('cpu')}.\n\n{table(head, rows)}"
    write_out(options.out, text)
    print(text)
    if options.update:
        update_page(options.update, "watermark", text)


if __name__ == "__main__":
    main()
