"""Two searches on the same pairs: does the later one find stronger patches, over the pairs that both audited?

    python -m benchmarks.candidates.before_after EARLIER LATER [--out FILE] [--update docs/candidates.md]

EARLIER and LATER are folders of `benchmarks.candidates.search bar --runs FOLDER`, each filled by its own version of the
auditor on the same machine. The confirmation pictures are the same. A pair counts where both runs are finished.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.core.records import AuditResult, Finding, Tier
from auditor.run.tables import result_from_json
from benchmarks.candidates.pages import table, update_page, write_out
from benchmarks.candidates.pair_numbers import mean_over_pairs
from benchmarks.candidates.pairs import PAIRS, Pair, run_folder


@dataclass(frozen=True, slots=True)
class Search:
    """What one search came to, as shares in [0, 1].

    Attributes:
        first: flips of the third-class finding at the fixed corner that selection pictures put first; 0 where there is
            none. over: the same beyond its strongest covering. suggested, random: flips of crops of third classes.
    """

    first: float
    over: float
    suggested: float
    random: float

    @property
    def difference(self) -> float:
        return self.suggested - self.random


READINGS: dict[str, Callable[[Search], float]] = {
    "first by selection flips": lambda search: search.first,
    "beyond its strongest control": lambda search: search.over,
    "suggested third-class crops flip": lambda search: search.suggested,
    "suggested minus random": lambda search: search.difference,
}


def search_of(result: AuditResult) -> Search:
    """Read a finished audit; a pair on which no crop was compared is an error."""
    third = [one for one in result.findings if one.candidate.tier is Tier.THIRD_CLASS and one.placement == "fixed"]
    first: Finding | None = min(third, key=lambda one: one.place, default=None)
    if result.suggestion_validity is None:
        raise SystemExit(
            f"{result.source.name} → {result.target.name}: no crop was tried, so there is nothing to compare"
        )
    crops = result.suggestion_validity.headline
    return Search(
        first=first.flips / first.eligible if first else 0.0,
        over=(first.flips - first.control.flips) / first.eligible if first else 0.0,
        suggested=crops.suggested.rate,
        random=crops.random.rate,
    )


def compared(searches: Sequence[tuple[Pair, Search, Search]]) -> str:
    """A row a pair, and the mean change of each reading with its interval by t over pairs."""
    rows = [
        [
            f"{pair[0]} → {pair[1]}",
            *(f"{100 * read(before):.1f} → {100 * read(after):.1f}" for read in READINGS.values()),
        ]
        for pair, before, after in searches
    ]
    means = []
    for read in READINGS.values():
        changes = [read(after) - read(before) for _, before, after in searches]
        mean, low, high, _ = mean_over_pairs(changes)
        better = sum(change > 0 for change in changes)
        means.append(f"**{100 * mean:+.1f}** ({100 * low:+.1f} to {100 * high:+.1f}), more on {better}")
    rows.append([f"mean change over {len(searches)} pairs (95% t)", *means])
    return table(["pair", *(f"{name}, %" for name in READINGS)], rows)


def finished(runs: Path, pair: Pair) -> AuditResult | None:
    """A pair's result below a folder of runs; None where its audit is not finished."""
    file = run_folder(runs, pair) / "result.json"
    return result_from_json(file.read_text(encoding="utf-8"), (), {}) if file.exists() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("earlier", type=Path)
    parser.add_argument("later", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--update", type=Path, help="a page whose part between before-after:begin and :end is replaced")
    options = parser.parse_args()
    searches = []
    for pair in PAIRS:
        before, after = finished(options.earlier, pair), finished(options.later, pair)
        if before is not None and after is not None:
            searches.append((pair, search_of(before), search_of(after)))
    if not searches:
        raise SystemExit(f"no pair is finished both below {options.earlier} and below {options.later}")
    text = compared(searches)
    print(text)
    write_out(options.out, text)
    if options.update:
        update_page(options.update, "before-after", text)


if __name__ == "__main__":
    main()
