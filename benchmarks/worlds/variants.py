"""Does what the audit tries pay? The planted networks audited again with settings that differ in one thing.

    python -m benchmarks.worlds.variants CACHE SCORED OUT [--variants "two layers"] [--worlds noodles tag] [--twins]

CACHE holds worlds that `auditor worlds build` built, SCORED is a folder of `auditor worlds score`, whose audits of the
same networks and seed the variants are held against. An audit goes as far as its report. Audits and rows go to OUT;
what is there stays, so that a killed run goes on. The table goes to standard output, and with --update between
variants:begin and variants:end of a page.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

import torch
from pydantic import TypeAdapter

from auditor.core.config import read_config
from auditor.core.progress import Silence
from auditor.core.records import Verdict
from auditor.core.shelf import slug
from auditor.inputs.world.planted import WORLDS, World
from auditor.run.audit import new_run, open_run, stored_config
from auditor.run.folder import RunFolder
from auditor.run.pipeline import REPORT
from auditor.run.tables import candidates_from_table
from auditor.run.worlds.board import RANKS
from auditor.run.worlds.budget import Sections, reduced
from auditor.run.worlds.cache import CONFIG, PLANTED, SIDES, TWIN, side_folder
from auditor.run.worlds.claims import LIMIT
from auditor.run.worlds.figures import difference, points, share
from auditor.run.worlds.hits import CueFinder, first, ranked
from auditor.run.worlds.score import Row, answers_counted, rows_from_json, run_folder
from benchmarks.candidates.pages import table, update_page, write_out

AS_SCORED = "as scored"
NOTHING: Sections = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Variant:
    """Settings that differ in one thing from those of a scored audit.

    Attributes:
        sections: for every network; by_network: further ones, where they depend on it.
    """

    words: str
    sections: Sections = field(default_factory=lambda: NOTHING)
    by_network: Mapping[str, Sections] = field(default_factory=lambda: NOTHING)

    def of(self, world: World) -> Sections:
        """What differs in the audit of a world."""
        return {**self.sections, **self.by_network.get(world.network, NOTHING)}


def _layers(*names: str) -> Sections:
    return {"model": {"layer": None, "layers": names}}


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        variant.words: variant
        for variant in (
            Variant("no own places", {"candidates": {"own_places": 0}}),
            Variant(
                "two layers",
                by_network={"residual": _layers("blocks.1", "blocks.0"), "tokens": _layers("blocks.0", "stem")},
            ),
            Variant("1,000 crops screened", {"candidates": {"screened": 1000}}),
            Variant("3,000 crops screened", {"candidates": {"screened": 3000}}),
            Variant("eight drawings of the library", {"candidates": {"drawn": 8}}),
            Variant("a third size, a fifth of the width", {"candidates": {"sizes": (0.2, 0.3, 0.5)}}),
            Variant("cells told on further crops", {"candidates": {"held": 100}}),
            Variant("three own places", {"candidates": {"own_places": 3}}),
        )
    }
)
"""By what they are called. Two layers: the one that is mapped anyway, and the one before it."""


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One audit under a variant; fields as in `score.Row`."""

    variant: str
    world: str
    side: str
    seed: int
    verdict: str
    rank: int | None
    passes: int | None
    seconds: float


def audited(cache: Path, out: Path, variant: Variant, world: World, side: str, seed: int) -> VariantRow:
    """An audit under a variant, held against what was planted; one that was begun goes on."""
    home = out / slug(variant.words)
    shelf, file = RunFolder(home), f"rows/{world.name}-{side}-{seed}.json"
    if shelf.has(file):
        return TypeAdapter(VariantRow).validate_json(shelf.read(file))
    path, started = run_folder(home, world.name, side, seed), time.monotonic()
    whole = not (path / "manifest.json").is_file()
    if whole:
        new_run(reduced(read_config(side_folder(cache, world, side) / CONFIG), seed, variant.of(world)), path)
    folder = RunFolder.open(path)
    with answers_counted() as answers, folder.alone():
        finished = open_run(folder, stored_config(folder), Silence()).get(REPORT)
    candidates = {one.id: one for one in candidates_from_table(folder.read_table("candidates.parquet"))}
    finder = CueFinder(world, SIDES[side])
    row = VariantRow(
        variant=variant.words,
        world=world.name,
        side=side,
        seed=seed,
        verdict=str(finished.verdict),
        rank=first([finder.shown_by(one.candidate, candidates) for one in ranked(finished.result.findings)]),
        passes=answers[0] if whole else None,
        seconds=time.monotonic() - started,
    )
    shelf.write_text(file, json.dumps(asdict(row), indent=1) + "\n")
    return row


HEADS = (
    "settings",
    *(f"first {most}" if most > 1 else "rank 1" for most in RANKS),
    f"rank 1, cue flips more than {LIMIT:.0%}",
    "rank 1 less that as scored",
    "first 3 less that as scored",
    "planted fail, pass",
    "twins fail, pass",
    "pictures through the network",
)


def tables(scored: Sequence[Row], rows: Sequence[VariantRow]) -> str:
    """A line for the scored audits and for each variant, over the networks that all of them audited.

    Args:
        scored: of one seed, that of the variants.
    Raises:
        SystemExit: there is no such network.
    """
    of = {AS_SCORED: {_network(row): _as_scored(row) for row in scored}}
    for row in rows:
        of.setdefault(row.variant, {})[_network(row)] = row
    common = set.intersection(*(set(each) for each in of.values()))
    if not common:
        raise SystemExit("no network was audited under every variant asked for and scored with the same seed")
    before = [row for row in scored if _network(row) in common]
    return table(HEADS, [[words, *_cells(each, before)] for words, each in of.items()])


def _cells(of: Mapping[tuple[str, str], VariantRow], before: Sequence[Row]) -> list[str]:
    """Args: before: the scored audits of the networks that are compared."""
    planted = [row for row in before if row.side == PLANTED]
    strong = [row for row in planted if row.cue_eligible and row.cue_flips / row.cue_eligible > LIMIT]
    twins = [row for row in before if row.side == TWIN]

    def found(most: int) -> Callable[[Row], bool]:
        return lambda row: within(of[_network(row)].rank, most)

    gained = [
        "—" if of[_network(before[0])].variant == AS_SCORED else points(*difference(planted, found(most), scored(most)))
        for most in RANKS[:2]
    ]
    passes = [told for row in before if (told := of[_network(row)].passes) is not None]
    return [
        *(share(sum(map(found(most), planted)), len(planted)) for most in RANKS),
        f"{sum(map(found(1), strong))}/{len(strong)}",
        *gained,
        *(_verdicts([of[_network(row)] for row in side]) for side in (planted, twins)),
        f"{sum(passes) / len(passes):,.0f}" if passes else "—",
    ]


def within(rank: int | None, most: int) -> bool:
    """Whether a rank is among the first so many."""
    return rank is not None and rank <= most


def scored(most: int) -> Callable[[Row], bool]:
    """Whether the scored audit has the cue among its first so many."""
    return lambda row: within(row.rank, most)


def _verdicts(rows: Sequence[VariantRow]) -> str:
    counts = [sum(row.verdict == str(word) for row in rows) for word in (Verdict.FAIL, Verdict.PASS)]
    return f"{counts[0]}, {counts[1]} of {len(rows)}" if rows else "—"


def _network(row: Row | VariantRow) -> tuple[str, str]:
    return row.world, row.side


def _as_scored(row: Row) -> VariantRow:
    return VariantRow(AS_SCORED, row.world, row.side, row.seed, row.verdict, row.rank, row.passes, row.seconds)


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path, metavar="CACHE")
    parser.add_argument("scored", type=Path, metavar="SCORED")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), metavar="WORDS")
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS), metavar="WORLD")
    parser.add_argument("--twins", action="store_true", help="audit the clean twins, too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--update", type=Path, help="a page whose part between variants:begin and :end is replaced")
    options = parser.parse_args()
    if not (options.scored / "scoreboard.json").is_file():
        parser.error(f"{options.scored} holds no scoreboard.json; give a folder of 'auditor worlds score'")
    return options


def main() -> None:
    options = asked()
    torch.set_num_threads(1)
    known = rows_from_json((options.scored / "scoreboard.json").read_bytes())
    rows = []
    for name in options.variants:
        for side in (PLANTED, TWIN) if options.twins else (PLANTED,):
            for world in options.worlds:
                row = audited(options.cache, options.out, VARIANTS[name], WORLDS[world], side, options.seed)
                print(f"{name}, {world}, {side}: rank {row.rank}, {row.verdict}, {row.seconds:.0f} s", flush=True)
                rows.append(row)
    text = tables([row for row in known if row.seed == options.seed], rows)
    write_out(options.out / "variants.md", text)
    print(text)
    if options.update:
        update_page(options.update, "variants", text)


if __name__ == "__main__":
    main()
