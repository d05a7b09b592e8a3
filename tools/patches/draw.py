"""Draw the library's things and textures again: python -m tools.patches.draw [folder]."""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
from pathlib import Path

from PIL import Image

from auditor.core.records import PixelArray
from auditor.core.shelf import slug
from tools.patches.drawn import DRAWINGS, draw

INDEX = "index.csv"


def picture_bytes(rgba: PixelArray) -> bytes:
    """A (4, h, w) picture as WebP without loss, a third smaller than PNG; the same pixels give the same bytes."""
    picture = Image.fromarray(rgba.transpose(1, 2, 0))
    buffer = io.BytesIO()
    if rgba[3].min() == 255:
        picture = picture.convert("RGB")
    picture.save(buffer, "WEBP", lossless=True, exact=True, quality=100, method=6)
    return buffer.getvalue()


def draw_library(folder: Path) -> None:
    """Write every drawing into a folder, over what is there, and the index that names them with their sha256."""
    folder.mkdir(exist_ok=True)
    rows = []
    for name in DRAWINGS:
        file, data = f"{slug(name)}.webp", picture_bytes(draw(name))
        (folder / file).write_bytes(data)
        rows.append((file, name, hashlib.sha256(data).hexdigest()))
    with (folder / INDEX).open("w", encoding="utf-8", newline="") as index:
        table = csv.writer(index, lineterminator="\n")
        table.writerow(("file", "name", "sha256"))
        table.writerows(sorted(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    drawn = Path(__file__).resolve().parents[2] / "patches" / "drawn"
    parser.add_argument("folder", nargs="?", type=Path, default=drawn)
    draw_library(parser.parse_args().folder)
