"""Write the scoreboard of docs/ground-truth.md from rows that were measured, and the picture of its worlds.

python -m tools.docs.ground_truth         # the scoreboard, from benchmarks/worlds/rows.json
python -m tools.docs.ground_truth SCORED  # new rows and a new picture from a folder of `worlds score`

What reports say of it rests on worlds learnt anew as well: python -m tools.docs.learnt_anew
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from auditor.core.records import Verdict
from auditor.inputs.world.planted import CLASS_NAMES, WORLDS, World
from auditor.inputs.world.planted_pictures import base_picture, with_cue
from auditor.report.known_shortcuts import FILE
from auditor.run.worlds.board import board, verdicts_of
from auditor.run.worlds.cache import PLANTED, TWIN
from auditor.run.worlds.claims import is_strong, true_fail
from auditor.run.worlds.figures import share_of
from auditor.run.worlds.score import Row, rows_from_json, rows_to_json, run_folder

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "ground-truth.md"
ROWS = ROOT / "benchmarks" / "worlds" / "rows.json"
KNOWN = ROOT / "auditor" / "report" / FILE
PICTURE = ROOT / "docs" / "images" / "planted-worlds.webp"
_TILE, _GAP, _LINE, _COLUMNS = 104, 6, 16, 3


def with_scoreboard(page: str, block: str) -> str:
    """A page whose marked block is replaced.

    Raises:
        ValueError: the page has no marked block, or several.
    """
    marked = re.compile(r"(<!-- written by tools/docs/ground_truth\.py -->\n\n).*?(\n<!-- end -->\n)", re.DOTALL)
    if len(marked.findall(page)) != 1:
        raise ValueError("expected one block between <!-- written by tools/docs/ground_truth.py --> and <!-- end -->")
    return marked.sub(lambda found: f"{found[1]}{block}{found[2]}", page)


def known(rows: Sequence[Row]) -> dict[str, str]:
    """The shares that reports tell (`auditor.report.known_shortcuts`)."""
    strong = [row for row in rows if row.side == PLANTED and is_strong(row)]
    twins = [row for row in rows if row.side == TWIN]
    failed = [row for row in rows if row.verdict == str(Verdict.FAIL)]
    ended = {"pass": Verdict.PASS, "open": Verdict.INCONCLUSIVE}
    return {
        f"{name}_{word}": verdicts_of(some, verdict)
        for name, some in (("planted", strong), ("twins", twins))
        for word, verdict in ended.items()
    } | {"true_fails": share_of(failed, true_fail)}


def tell_known(rows: Sequence[Row]) -> None:
    """Have reports tell the shares of some rows."""
    KNOWN.write_text(json.dumps(known(rows), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def worlds_picture(rows: Sequence[Row], scored: Path) -> Image.Image:
    """Each world in a cell: a picture of the source, the same with the cue, and the first finding of its audit."""
    firsts = {row.world: row.first for row in rows if row.side == PLANTED and row.seed == 0}
    width, height = 3 * _TILE + 3 * _GAP, _TILE + 3 * _LINE + _GAP
    lines = -(-len(firsts) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * width + _GAP, lines * height + _GAP), "white")
    for place, (name, found) in enumerate(firsts.items()):
        left, top = _GAP + place % _COLUMNS * width, _GAP + place // _COLUMNS * height
        world, drawing = WORLDS[name], ImageDraw.Draw(sheet)
        base = base_picture(CLASS_NAMES.index(world.source), 12, 3)
        tiles = [base.picture.pixels, with_cue(world, base).pixels]
        if found is not None:
            patch = Image.open(run_folder(scored, name, PLANTED, 0) / "candidates" / f"{found.candidate}.png")
            tiles.append(np.asarray(patch.convert("RGBA")))
        for number, tile in enumerate(tiles):
            _put(sheet, tile, left + number * (_TILE + 3), top + 2 * _LINE)
        drawing.text((left, top), f"{name}: {_pair(world)}", "black", _font())
        told = "nothing held" if found is None else f"found: {found.flips}/{found.eligible} flip"
        drawing.text((left, top + _LINE - 2), f"cue flips {_cue(rows, name)}; {told}", (90, 90, 90), _font())
    return sheet


def _pair(world: World) -> str:
    return f"{world.source} to {world.target or 'any other'}"


def _cue(rows: Sequence[Row], name: str) -> str:
    row = next(row for row in rows if row.world == name and row.side == PLANTED)
    return f"{row.cue_flips}/{row.cue_eligible}"


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(12)


def _put(sheet: Image.Image, tile: np.ndarray, left: int, top: int) -> None:
    picture = Image.fromarray(tile)
    scale = _TILE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    picture = picture.resize(size, Image.Resampling.NEAREST)
    sheet.paste(picture.convert("RGB"), (left, top), picture.getchannel("A") if picture.mode == "RGBA" else None)


def main(arguments: list[str] | None = None) -> None:
    """The command line: from where new rows come, if any."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs.ground_truth", description=__doc__)
    parser.add_argument("scored", type=Path, nargs="?", help="folder of `auditor worlds score`")
    options = parser.parse_args(arguments)
    if options.scored is not None:
        rows = rows_from_json((options.scored / "scoreboard.json").read_bytes())
        ROWS.write_text(rows_to_json(rows), encoding="utf-8")
        worlds_picture(rows, options.scored).save(PICTURE, quality=80, method=6)
    rows = rows_from_json(ROWS.read_bytes())
    PAGE.write_text(with_scoreboard(PAGE.read_text(encoding="utf-8"), board(rows)), encoding="utf-8")
    print(f"wrote the scoreboard of {PAGE.name} from {len(rows)} rows")


if __name__ == "__main__":
    main()
