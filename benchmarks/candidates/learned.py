"""What the learnt rung is worth: how well it orders crops, and how many of the best the tail sees for it.

    python -m benchmarks.candidates.learned --runs FOLDER [--pair "frying pan" wok ...] [--update docs/candidates.md]

Random crops of a pair all go through the tail, so that its answer is known for each. Half of the pictures teach: from
so many of their crops, drawn at random, the push of the other half's crops is foretold. Then the search is
played with a budget of passes through the tail, over all crops, by several rules; told are the share of the best
twentieth that the tail saw, and the mean push of the forty best it saw. Baseline: the linear push alone. Every number
is a mean over drawings.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from auditor.candidates.choosing import rank_agreement
from auditor.candidates.ladder import ROUNDS
from auditor.candidates.learned import Columns, folds_of, foretold
from auditor.candidates.linear import LinearScreen
from auditor.candidates.pasted_shards import Pasted, PastedShards
from auditor.cli.console import TerminalProgress
from auditor.core.arrays import Arrays, arrays_from_bytes, arrays_to_bytes
from auditor.core.config import AuditConfig, read_config
from auditor.core.draws import keyed_generator
from auditor.core.progress import Progress
from auditor.core.records import FloatArray, IntArray
from benchmarks.candidates.pages import machine, table, update_page, write_out
from benchmarks.candidates.pairs import PILOTS, Pair, opened, pair_config, run_folder

CROPS, DRAWINGS, BEST, FORTY = 2500, 4, 20, 40
TAUGHT, BUDGETS = (250, 500, 1000), (200, 400)

Rule = Callable[["Known", int, np.random.Generator], list[int]]


class Known:
    """Crops of a pair with the tail's answer for each."""

    def __init__(self, pasted: Pasted, pushes: FloatArray, rows: IntArray) -> None:
        self.pasted, self.pushes, self.rows = pasted, pushes, rows
        self.columns = Columns(PastedShards.holding(pasted))
        self.everything = np.arange(len(pushes))

    def order(self, measured: Sequence[int]) -> list[int]:
        """All crops by the push foretold from those measured, best first."""
        rows = np.array(measured, dtype=np.int64)
        found: list[int] = np.argsort(-foretold(self.columns, rows, self.pushes[rows], self.everything)).tolist()
        return found


def measured_crops(config: AuditConfig, pair: Pair, runs: Path, progress: Progress) -> Known:
    """Random crops of a pair through the tail; read back where they were measured."""
    file = runs / f"{run_folder(runs, pair).name}-tail.safetensors"
    if not file.exists():
        one = opened(pair_config(config, pair, None), run_folder(runs, pair), progress)
        tail = one.tail_screen()
        crops, rows = one.random_crops_with_rows(CROPS, "learnt")
        pasted = LinearScreen(tail, one.random_crops(PILOTS, "pilots")).pasted(crops).whole()
        progress.start("random crops through the tail", CROPS)
        tail.progress = progress
        answers = tail.screen(crops)
        found: Arrays = {
            "push": pasted.push,
            "change": pasted.change,
            "seen": pasted.seen,
            "tail": answers,
            "rows": rows,
        }
        file.write_bytes(arrays_to_bytes(found))
    kept = arrays_from_bytes(file.read_bytes())
    return Known(Pasted(kept["push"], kept["change"], kept["seen"]), kept["tail"], kept["rows"])


def agreement(known: Known, taught: int, drawing: int) -> tuple[float, float]:
    """Rank correlation with the tail over the other half's crops: of the linear push, and of the learnt one."""
    keys = [str(row) for row in range(int(known.rows.max()) + 1)]
    half = folds_of(known.rows.tolist(), keys, drawing, 2)
    mine, others = np.flatnonzero(half == 0), np.flatnonzero(half == 1)
    rows = keyed_generator(drawing, "taught").permutation(mine)[:taught]
    found = foretold(known.columns, rows, known.pushes[rows], others)
    scores = [rank_agreement(score, known.pushes[others]) for score in (known.pasted.push[others], found)]
    linear, learned = (float("nan") if score is None else score for score in scores)
    return linear, learned


def linear_alone(known: Known, budget: int, generator: np.random.Generator) -> list[int]:
    del generator
    found: list[int] = np.argsort(-known.pasted.push).tolist()
    return found[:budget]


def in_rounds(share: float, by_linear: float, rounds: int) -> Rule:
    """A share of the budget first, so much of it by linear push, the rest at random; then rounds by what is learnt."""

    def rule(known: Known, budget: int, generator: np.random.Generator) -> list[int]:
        first = round(share * budget)
        chosen = linear_alone(known, round(by_linear * first), generator)
        chosen = list(dict.fromkeys([*chosen, *generator.permutation(len(known.pushes)).tolist()]))[:first]
        for number in range(1, rounds + 1):
            until = first + (budget - first) * number // rounds
            chosen = list(dict.fromkeys([*chosen, *known.order(chosen)]))[:until]
        return chosen

    return rule


RULES: dict[str, Rule] = {
    "linear push alone": linear_alone,
    "a quarter at random, then the best": in_rounds(0.25, 0.0, 1),
    "a quarter, half of it by linear push, then the best": in_rounds(0.25, 0.5, 1),
    f"the same, in {ROUNDS} rounds (the search's rule)": in_rounds(0.25, 0.5, ROUNDS),
    f"half, half of it by linear push, in {ROUNDS} rounds": in_rounds(0.5, 0.5, ROUNDS),
}


def played(known: Known, rule: Rule, budget: int) -> tuple[float, float]:
    """Share of the best twentieth that the tail saw, and the mean push of the forty best it saw."""
    best = set(np.argsort(-known.pushes)[: len(known.pushes) // BEST].tolist())
    shares, means = [], []
    for drawing in range(DRAWINGS):
        seen = rule(known, budget, keyed_generator(drawing, "played"))
        shares.append(len(best & set(seen)) / len(best))
        means.append(float(np.sort(known.pushes[seen])[-FORTY:].mean()))
    return float(np.mean(shares)), float(np.mean(means))


def page(found: dict[str, Known], config: AuditConfig, config_path: Path) -> str:
    pairs = list(found)
    rows = []
    for taught in TAUGHT:
        both = {name: np.mean([agreement(one, taught, drawing) for drawing in range(DRAWINGS)], axis=0)
                for name, one in found.items()}  # fmt: skip
        rows.append([f"learnt from {taught}", *(f"{both[name][1]:+.2f}" for name in pairs)])
        linear = ["linear push", *(f"{both[name][0]:+.2f}" for name in pairs)]
    first = table(["rank correlation with the tail, other pictures' crops", *pairs], [linear, *rows])
    rows = []
    for budget in BUDGETS:
        for name, rule in RULES.items():
            cells = [played(one, rule, budget) for one in found.values()]
            rows.append([f"{budget}", name, *(f"{100 * share:.0f}%, {mean:+.2f}" for share, mean in cells)])
    head = ["passes", "rule: best twentieth seen, mean push of the forty best seen", *pairs]
    about = f"`{config_path.as_posix()}`, {CROPS} random crops a pair, {machine(config.device)}."
    return f"{about}\n\n{first}\n{table(head, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("examples/kitchen32.toml"))
    parser.add_argument("--runs", type=Path, required=True, help="where runs and measurements are kept and read back")
    parser.add_argument("--pair", nargs=2, action="append", metavar=("SOURCE", "TARGET"))
    parser.add_argument("--out", type=Path, default=Path("learned.md"))
    parser.add_argument("--update", type=Path, help="a page whose part after learned:begin is replaced")
    options = parser.parse_args()
    config = read_config(options.config)
    progress = TerminalProgress(Console(stderr=True))
    pairs: list[Pair] = [(a, b) for a, b in options.pair or [("frying pan", "wok"), ("barrel", "bucket")]]
    options.runs.mkdir(parents=True, exist_ok=True)
    found = {f"{a} → {b}": measured_crops(config, (a, b), options.runs, progress) for a, b in pairs}
    text = page(found, config, options.config)
    write_out(options.out, text)
    print(text)
    if options.update:
        update_page(options.update, "learned", text)


if __name__ == "__main__":
    main()
