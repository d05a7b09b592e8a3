"""What a second look settles: open audits of planted worlds and their twins, confirmed again on more pictures.

    python -m benchmarks.worlds.more CACHE SCORED --out FOLDER [--pictures 480] [--update docs/ground-truth.md]

CACHE holds worlds that `auditor worlds build` built, SCORED is a folder of `auditor worlds score`. Each audit that is
inconclusive is copied to FOLDER and looked at again, as `auditor run --more` does, on pictures of the source drawn for
the purpose. What it says then is held against fresh pictures, which no look saw. What is there already stays, so that
a run that was stopped goes on. --update puts the table between more:begin and more:end of a page.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from auditor.core.errors import StoreError
from auditor.core.progress import Silence
from auditor.core.records import AuditResult, Verdict
from auditor.inputs.world.planted import WORLDS
from auditor.inputs.world.planted_pictures import base_pictures, planted
from auditor.run.audit import stored_config
from auditor.run.beside.more import FOLDER, confirm_on_more
from auditor.run.folder import RunFolder
from auditor.run.review import reviewed_result
from auditor.run.stage import Run
from auditor.run.worlds.cache import PLANTED, SIDES, TWIN, side_folder
from auditor.run.worlds.claims import all_below, true_fail
from auditor.run.worlds.figures import share_of
from auditor.run.worlds.fresh import fresh_pictures, fresh_uplifts
from auditor.run.worlds.hits import ranked
from auditor.run.worlds.score import Row, opened, rows_from_json, run_folder
from benchmarks.candidates.pages import table, update_page

PICTURES, SEED = 480, 70_701
"""Pictures of the source that a look adds, of a seed that neither audits nor fresh pictures use."""

REFUSED = "refused"
"""An open audit that more pictures do not settle: an effect over whole pictures is shown to be above the limit, or an
exchanged background alone is open, for which added pictures would have to be annotated."""


@dataclass(frozen=True, slots=True)
class Again:
    """An audit after its second look.

    Attributes:
        row: as scored, with the word and the findings on fresh pictures after the look; of a refused one as scored.
        word: after the look, or `REFUSED`. before, after: eligible confirmation pictures.
    """

    row: Row
    word: str
    before: int
    after: int


def looked_again(cache: Path, scored: Path, out: Path, row: Row, pictures: int) -> Again:
    """The second look at one audit, made or read back."""
    file = out / "rows" / f"{row.world}-{row.side}-{row.seed}.json"
    if file.is_file():
        return TypeAdapter(Again).validate_json(file.read_bytes())
    drawn = draw_pictures(out / "pictures", row.world, row.side, pictures)
    again = _measured(cache, scored, out, row, drawn)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(again), indent=1) + "\n")
    return again


def _measured(cache: Path, scored: Path, out: Path, row: Row, pictures: Path) -> Again:
    place = run_folder(out, row.world, row.side, row.seed)
    if not place.is_dir():
        shutil.copytree(run_folder(scored, row.world, row.side, row.seed), place)
    folder = RunFolder.open(place)
    first, config = reviewed_result(folder), stored_config(folder)
    look = place / FOLDER / "look-2"
    try:
        if not (look / "result.json").is_file():
            confirm_on_more(folder, config, pictures, Silence())
    except StoreError as refused:
        if "which more pictures do not settle" not in str(refused):
            raise
        return Again(row, REFUSED, _eligible(first), _eligible(first))
    result = reviewed_result(RunFolder.open(look))
    world, held = WORLDS[row.world], ranked(result.findings)
    fresh = fresh_pictures(world, SIDES[row.side], opened(side_folder(cache, world, row.side), world))
    claims = fresh_uplifts(Run(folder, config, Silence()), result.verdict, held, fresh)
    told = replace(row, verdict=str(result.verdict), fresh=claims)
    return Again(told, str(result.verdict), _eligible(first), _eligible(result))


def _eligible(result: AuditResult) -> int:
    return max((one.eligible for one in result.findings), default=0)


def draw_pictures(folder: Path, name: str, side: str, count: int) -> Path:
    """Further pictures of a world's source, without any cue but the one a twin spreads, in a folder of its class."""
    world = WORLDS[name]
    own = folder / f"{name}-{side}-{count}" / world.source
    if not own.is_dir():
        own.mkdir(parents=True)
        for number, base in enumerate(base_pictures([world.source], count, SEED)):
            pixels = planted(world, base, SIDES[side], poison=False).pixels
            Image.fromarray(pixels).save(own / f"{number:04d}.png")
    return own.parent


def lines(rows: Sequence[Row], again: Sequence[Again]) -> list[list[str]]:
    """Of planted networks and of twins, what was open, and what became of it.

    Args:
        rows: all audits as scored. again: those of them that were open, after their look.
    """
    after = {(one.row.world, one.row.side, one.row.seed): one.row for one in again}
    found = []
    for words, of in (("planted", PLANTED), ("clean twins", TWIN)):
        own = [one for one in again if one.row.side == of]
        looked = [one for one in own if one.word != REFUSED]
        failed, passed = ([one for one in looked if one.word == str(word)] for word in (Verdict.FAIL, Verdict.PASS))
        then = [after.get((row.world, row.side, row.seed), row) for row in rows if row.side == of]
        shares = [_share(then, word) for word in (Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE)]
        found.append(
            [
                words,
                f"{len(own)} of {len(then)}",
                str(len(own) - len(looked)),
                f"{len(failed)}, {sum(true_fail(one.row) for one in failed)} truly",
                f"{len(passed)}, {sum(all_below(one.row) for one in passed)} borne out",
                str(len(looked) - len(failed) - len(passed)),
                *shares,
            ]
        )
    return found


def _share(rows: Sequence[Row], word: Verdict) -> str:
    return share_of(rows, lambda row: row.verdict == str(word))


HEADER = ["", "open", "refused", "fail", "pass", "open again", "all: fail", "all: pass", "all: open"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path, metavar="CACHE")
    parser.add_argument("scored", type=Path, metavar="SCORED")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=PICTURES, help="of the source, drawn for each world")
    parser.add_argument("--update", type=Path, help="a page whose part between the marks is replaced")
    options = parser.parse_args()
    board = options.scored / "scoreboard.json"
    if not board.is_file():
        raise SystemExit(f"{board} is not there; make it with: auditor worlds score --out {options.scored}")
    rows = rows_from_json(board.read_bytes())
    again = []
    for row in rows:
        if row.verdict != str(Verdict.INCONCLUSIVE):
            continue
        again.append(one := looked_again(options.cache, options.scored, options.out, row, options.pictures))
        print(f"{row.world} {row.side} {row.seed}: {one.word}, {one.before} → {one.after} pictures", flush=True)
    print(text := table(HEADER, lines(rows, again)))
    looked = [one for one in again if one.word != REFUSED]
    if looked:
        medians = [int(np.median([getattr(one, when) for one in looked])) for when in ("before", "after")]
        text += f"\nMedian of eligible pictures: {medians[0]} at the first look, {medians[1]} at the second.\n"
    if options.update:
        update_page(options.update, "more", text)


if __name__ == "__main__":
    main()
