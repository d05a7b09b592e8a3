"""Draw the four stickers of docs/ground-truth.md, as code draws them, on plain grey: python -m tools.docs.stickers"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from benchmarks.worlds.stickers import SIDE_PX, STICKERS

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "planted-stickers.png"
_GAP, _GROUND = 12, (222, 222, 222)


def drawn() -> Image.Image:
    """One row, in the order in which the page names them."""
    step = SIDE_PX + _GAP
    row = Image.new("RGB", (_GAP + step * len(STICKERS), SIDE_PX + 2 * _GAP), _GROUND)
    for place, draw in enumerate(STICKERS.values()):
        sticker = draw()
        row.paste(sticker, (_GAP + place * step, _GAP), sticker)
    return row


if __name__ == "__main__":
    drawn().save(PICTURE, optimize=True)
