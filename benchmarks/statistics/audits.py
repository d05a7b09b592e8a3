"""Whether the statistics keep their word: simulated audits, printed as tables in Markdown.

    python -m benchmarks.statistics.audits [PART …] [--audits N] [--seed S]

Without a part, all of it: under three minutes on one core. Every table says how many audits are behind it; with 4000 of
them a chance of 5% is known to ± 0.7 points.
"""

from __future__ import annotations

import argparse
import time

from benchmarks.statistics import other_tables, verdict_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {
        "errors": verdict_tables.errors,
        "power": verdict_tables.power,
        "passing": verdict_tables.passing,
        "looks": verdict_tables.looks,
        "draws": other_tables.draws,
        "fragility": other_tables.fragility,
        "search": other_tables.search,
        "ranks": other_tables.ranks,
        "odds": other_tables.odds,
    }
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}; left out: all")
    parser.add_argument("--audits", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=20)
    given = parser.parse_args()
    unknown = set(given.parts) - set(parts)
    if unknown:
        parser.error(f"there is no part {sorted(unknown)[0]!r}; known: {', '.join(parts)}")
    print(f"{given.audits} audits a cell unless said otherwise, seed {given.seed}")
    verdict_tables.agreement(given.seed)
    for name in given.parts or parts:
        started = time.perf_counter()
        parts[name](given.audits, given.seed)
        print(f"\n({name}: {time.perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
