"""The bar of the candidate search: does it find more than the paper's noodles, and what does each rung cost?

    python -m benchmarks.candidates.search bar --out bar.md [--update docs/candidates.md]
    python -m benchmarks.candidates.search speed --out speed.md [--update docs/candidates.md]
    python -m benchmarks.candidates.search sources --pool PHOTOS --out sources.md [--update docs/candidates.md]
    python -m benchmarks.candidates.search seconds RUN [RUN ...]
    python -m benchmarks.candidates.search planted DEMO/shortcut
    python -m benchmarks.candidates.search pairs

`bar` audits every pair of `pairs.PAIRS`, measures the paper's ten noodle patches on the same confirmation
pictures at the fixed placement, and writes tables. Runs stay below --runs: what is finished is read back, so it may be
interrupted; give a fresh folder after a change of the search. `speed` times each rung against trials in pixels in the
same process and compares each with flips on confirmation pictures over random crops; baseline: the same crop pasted on
the same source pictures. `sources` tries beside the same runs what the library's drawings and crops of pictures without
labels add; `bar --drawn N --pool PHOTOS` has both in the audits themselves. `seconds` says what the parts of finished
runs' searches took. `planted` reads a finished run of `auditor demo`. `pairs` computes the pairs by their rule.
Start it with nothing else on the machine. To use fewer cores set OMP_NUM_THREADS and NUMBA_NUM_THREADS alike: the
layout gives torch numba's number of threads.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from auditor.cli.console import TerminalProgress
from auditor.core.config import AuditConfig, read_config
from auditor.core.errors import AuditorError
from auditor.core.progress import Progress
from auditor.core.records import SurveyRow
from auditor.run.folder import RunFolder
from auditor.run.stages.report import stored_result
from benchmarks.candidates.pages import bar_page, machine, seconds_table, table, update_page, write_out
from benchmarks.candidates.pair_numbers import PRECISION_AT, PairNumbers, crops_screened, pair_numbers, search_seconds
from benchmarks.candidates.pairs import (
    PAIRS,
    Pair,
    audited,
    linear_pushes,
    noodle_flips,
    opened,
    pair_config,
    pairs_by_rule,
    run_folder,
    with_sources,
)
from benchmarks.candidates.rungs import SpeedNumbers, as_json, from_json, goal_sentences, speed_numbers, speed_tables
from benchmarks.candidates.sources import (
    SourceNumbers,
    source_numbers,
    sources_as_json,
    sources_from_json,
    sources_page,
)

BESIDE, SPEED, SOURCES = "benchmark-bar.json", "benchmark-speed.json", "benchmark-sources.json"


def measure_pair(pair: Pair, config: AuditConfig, options: argparse.Namespace, progress: Progress) -> PairNumbers:
    """One pair's audit and what is measured beside it; read back where it is there."""
    config = with_sources(pair_config(config, pair, options.screened), options.drawn, options.pool)
    folder = run_folder(options.runs, pair)
    result = audited(config, folder, progress)
    run = RunFolder.open(folder)
    if not run.has(BESIDE):
        one = opened(config, folder, progress)
        started = time.perf_counter()
        noodles = noodle_flips(one, options.patches)
        seconds = time.perf_counter() - started
        run.write_json(BESIDE, {"noodles": noodles, "noodle_seconds": seconds, "linear": linear_pushes(one)})
    beside = json.loads(run.read_text(BESIDE))
    trials = run.read_table("trials.parquet")
    return pair_numbers(pair, result, trials, beside["noodles"], beside["noodle_seconds"], beside["linear"])


def bar(pairs: Sequence[Pair], config: AuditConfig, options: argparse.Namespace, progress: Progress) -> None:
    numbers: list[PairNumbers] = []
    text = ""
    for pair in pairs:
        numbers.append(measure_pair(pair, config, options, progress))
        print(f"{len(numbers)}/{len(pairs)} {pair[0]} → {pair[1]}: {numbers[-1].seconds['search']:.0f} s of search")
        text = bar_page(numbers, len(pairs), config.device, options.config.as_posix())
        write_out(options.out, text)
    finish("bar", text, options)


def speed(pairs: Sequence[Pair], config: AuditConfig, options: argparse.Namespace, progress: Progress) -> None:
    numbers: list[SpeedNumbers] = []
    for pair in pairs:
        settings, folder = pair_config(config, pair, options.screened), run_folder(options.runs, pair)
        audited(settings, folder, progress)
        run = RunFolder.open(folder)
        if not run.has(SPEED):
            one = opened(settings, folder, progress)
            run.write_json(SPEED, as_json(speed_numbers(one, pair, options.crops, options.rounds, progress)))
        numbers.append(from_json(run.read_text(SPEED)))
        print(f"{len(numbers)}/{len(pairs)} {pair[0]} → {pair[1]}")
        parts = [
            f"{len(numbers)} of {len(pairs)} pairs, {machine(config.device)}.\n",
            speed_tables(numbers, min(1.0, settings.candidates.shortlisted / settings.candidates.screened)),
            goal_sentences(numbers),
        ]
        text = "\n".join(parts)
        write_out(options.out, text)
    finish("speed", text, options)


def sources(pairs: Sequence[Pair], config: AuditConfig, options: argparse.Namespace, progress: Progress) -> None:
    numbers: list[SourceNumbers] = []
    text = ""
    for pair in pairs:
        settings, folder = pair_config(config, pair, options.screened), run_folder(options.runs, pair)
        result = audited(settings, folder, progress)
        run = RunFolder.open(folder)
        if not run.has(SOURCES):
            one = opened(settings, folder, progress)
            run.write_text(SOURCES, sources_as_json(source_numbers(one, pair, result, options.pool)))
        numbers.append(sources_from_json(run.read_text(SOURCES)))
        print(f"{len(numbers)}/{len(pairs)} {pair[0]} → {pair[1]}")
        text = f"{len(numbers)} pairs, {machine(config.device)}.\n\n{sources_page(numbers)}"
        write_out(options.out, text)
    finish("sources", text, options)


def whole_searches(runs: Sequence[Path]) -> str:
    """Seconds of whole searches, by part, as finished runs noted them."""
    results = [stored_result(RunFolder.open(run)) for run in runs]
    return seconds_table(
        [
            (f"{result.source.name} → {result.target.name}", crops_screened(result), search_seconds(result))
            for result in results
        ]
    )


def planted(run: Path, thing: str) -> None:
    """Do crops that show a planted thing come first? By each score, over the crops that a demo run tried."""
    result = stored_result(RunFolder.open(run))
    crops = [row for row in result.survey if row.candidate.is_plain_crop]

    def shown(row: SurveyRow) -> bool:
        return any(name == thing and share > 0 for name, share in row.candidate.shows)

    groups = {
        "predicted push": sorted(crops, key=lambda row: -_known(row.candidate.predicted_push)),
        "observed push": sorted(crops, key=lambda row: -_known(row.candidate.observed_push)),
        "flips on confirmation pictures": sorted(crops, key=lambda row: -row.flips),
    }
    rows = []
    for name, ordered in groups.items():
        place = next((number for number, row in enumerate(ordered, start=1) if shown(row)), None)
        ten = ordered[:PRECISION_AT]
        rows.append([name, str(place or "—"), f"{sum(map(shown, ten))}/{len(ten)}"])
    random = [row for row in crops if row.candidate.is_random_crop]
    rows.append(["random crops", "—", f"{sum(map(shown, random))}/{len(random)}"])
    print(table(["ordered by", f"first that shows {thing}", "of the first ten"], rows))


def _known(push: float) -> float:
    return push if math.isfinite(push) else -math.inf


def by_rule(config: AuditConfig, progress: Progress) -> None:
    found, classes = pairs_by_rule(config, progress)
    for (source, target), eligible, mistaken in found:
        print(f"{source} → {target}: {eligible} eligible, {mistaken} mistaken for {target}")
    same = tuple(pair for pair, _, _ in found) == PAIRS
    print(f"{len(found)} pairs of {classes} classes; {'the list' if same else 'NOT the list'} in pairs.py")


def finish(mark: str, text: str, options: argparse.Namespace) -> None:
    print(text)
    if options.update is not None:
        update_page(options.update, mark, text)


def chosen_pairs(text: str | None, default: Sequence[Pair]) -> list[Pair]:
    """Pairs from 'a > b, c > d'; without it the default."""
    if text is None:
        return list(default)
    split = [tuple(part.strip() for part in one.split(">")) for one in text.split(",")]
    if any(len(one) != 2 for one in split):
        raise SystemExit(f"--pairs takes 'source > target, source > target', got {text!r}")
    return [(one[0], one[1]) for one in split]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    for name in ("bar", "speed", "sources", "pairs"):
        mode = modes.add_parser(name)
        mode.add_argument("--config", type=Path, default=Path("examples/kitchen32.toml"))
        if name == "pairs":
            continue
        mode.add_argument("--runs", type=Path, default=Path("reports/benchmark-candidates"))
        mode.add_argument("--pairs", help="'source > target, source > target' instead of the list")
        mode.add_argument("--out", type=Path, help="the tables as Markdown, written after every pair")
        mode.add_argument("--update", type=Path, help="the page whose marked place gets the tables, once all are done")
        mode.add_argument("--screened", type=int, help="crops screened linearly, instead of the configuration's")
        if name != "speed":
            mode.add_argument("--pool", type=Path, help="pictures without labels, from which crops are drawn as well")
        if name == "bar":
            mode.add_argument("--patches", type=Path, default=Path("../shared/real/patches"))
            mode.add_argument("--drawn", type=int, help="drawings of the library tried, instead of the configuration's")
        elif name == "speed":
            mode.add_argument("--crops", type=int, default=250, help="random crops that every rung orders")
            mode.add_argument("--rounds", type=int, default=5)
    mode = modes.add_parser("seconds")
    mode.add_argument("finished", type=Path, nargs="+", help="finished run folders")
    mode = modes.add_parser("planted")
    mode.add_argument("run", type=Path, help="a finished run folder of auditor demo")
    mode.add_argument("--thing", default="noodles")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    try:
        if options.mode == "planted":
            planted(options.run, options.thing)
            return
        if options.mode == "seconds":
            print(whole_searches(options.finished))
            return
        config = read_config(options.config)
        with TerminalProgress(Console(stderr=True)) as progress:
            if options.mode == "pairs":
                by_rule(config, progress)
            elif options.mode == "sources":
                sources(chosen_pairs(options.pairs, PAIRS), config, options, progress)
            elif options.mode == "bar":
                bar(chosen_pairs(options.pairs, PAIRS), config, options, progress)
            else:
                speed(chosen_pairs(options.pairs, PAIRS[:6]), config, options, progress)
    except AuditorError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
