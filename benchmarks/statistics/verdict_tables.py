"""Tables on verdicts: how often they err, how often they find, and what looking again does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from auditor.statistics.looks import error_budget, spending
from benchmarks.statistics.simulated_audits import FINDINGS, LIMIT, Audits, World, simulate
from benchmarks.statistics.vectorised import before, check, fails, fragility_bounds, holm_fails, p_values, passes

BUDGET = error_budget(0.95)
FRAGILITY_LIMIT = 0.25
SIZES = (30, 57, 80, 120, 200, 300)

AT_THE_LIMIT: dict[str, World] = {
    "one covering that never flips": World((0.0005,)),
    "one covering of 5%": World((0.05,)),
    "one of 5%, three of 1%": World((0.05, 0.01, 0.01, 0.01)),
    "four of 5%": World((0.05,) * 4),
    "four of 20%": World((0.2,) * 4),
    "one of 15%, three of 2%": World((0.15, 0.02, 0.02, 0.02)),
    "pictures all alike": World((0.0005,), image_effect=0.01, family_effect=0.0),
    "pictures that flip under anything": World((0.05,), image_effect=0.8, family_effect=0.15),
    "candidates much alike": World((0.0005,), image_effect=0.1, family_effect=0.8),
    "the best of 12 placements": World((0.05, 0.02, 0.02, 0.02), variants=12),
    "fragility at its limit too": World((0.25, 0.25, 0.25, 0.25)),
}

STRONG: dict[str, World] = {
    "one covering, all eight": World((0.05,), 0.2),
    "one covering, one among weak": World((0.05,), "one"),
    "one covering, one among a spread": World((0.05,), "spread"),
    "one of 5%, three of 2%, one among weak": World((0.05, 0.02, 0.02, 0.02), "one"),
    "two of 5%, one among weak": World((0.05, 0.05), "one"),
    "four of 5%, one among weak": World((0.05,) * 4, "one"),
    "four of 5%, all eight": World((0.05,) * 4, 0.2),
    "four of 5%, one among a spread": World((0.05,) * 4, "spread"),
    "four of 5%, one, pictures all alike": World((0.05,) * 4, "one", image_effect=0.01, family_effect=0.0),
    "the best of 12 placements, four of 5%, one": World((0.05,) * 4, "one", variants=12),
}

WEAK: dict[str, World] = {
    "one covering of 0.5%": World((0.005,), 0.02),
    "four of 0.5%": World((0.005,) * 4, 0.02),
    "four of 0.5%, pictures all alike": World((0.005,) * 4, 0.02, image_effect=0.01, family_effect=0.0),
    "four of 5%": World((0.05,) * 4, 0.02),
    "one of 15%, three of 2%": World((0.15, 0.02, 0.02, 0.02), 0.02),
}


def errors(audits: int, seed: int) -> None:
    """False fails and false passes where every candidate lies exactly at the limit."""
    print(f"\n### Errors: {audits} audits of {FINDINGS} candidates chosen among 145, all exactly at the limit\n")
    print("False fail somewhere in the run, fragility included, in percent (the procedure before it in brackets):\n")
    _head("setting", SIZES)
    passed = []
    for name, world in AT_THE_LIMIT.items():
        count = audits if world.variants == 1 else max(500, audits // 4)
        cells, passing = [], []
        for images in SIZES:
            found = simulate(world, images, count, seed)
            above, below = p_values(found, images)
            fragile = fragility_bounds(found.covered, BUDGET.fragility, BUDGET.passing)[0] > FRAGILITY_LIMIT
            old_fails, old_passes = before(found, images)
            somewhere = fails(above, BUDGET.fail).any(1) | fragile
            cells.append(f"{_percent(somewhere)} ({_percent(old_fails.any(1))})")
            ours = passes(below, BUDGET.passing)
            plain = below < BUDGET.passing
            passing.append(
                (
                    _percent(plain),
                    _percent(ours.any(1)),
                    _percent(ours.all(1)),
                    _percent(old_passes.any(1)),
                )
            )
        _row(name, cells)
        passed.append((name, passing))
    print("\nFalse pass: of one candidate, of any of the eight, of the whole run (in brackets, of any, before):\n")
    _head("setting", SIZES)
    for name, passing in passed:
        _row(name, [f"{one}, {some}, {run} ({old})" for one, some, run, old in passing])


def power(audits: int, seed: int) -> None:
    """How often an uplift of 20 points fails."""
    print("\n### Power to fail: an uplift of 20 points, limit 10\n")
    print("Percent of runs that fail; of strong candidates that fail, where chosen; and runs by other procedures:\n")
    print("| setting | pictures | run fails | candidate fails | fixed sequence | Holm | before |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, world in STRONG.items():
        for images in (80, 120, 200):
            found = simulate(world, images, audits if world.variants == 1 else max(500, audits // 4), seed)
            above, _ = p_values(found, images)
            ours, strong = fails(above, BUDGET.fail), np.isclose(found.uplift, 0.2)
            others = [
                fails(above, BUDGET.fail, [1.0] + [0.0] * (FINDINGS - 1)),
                holm_fails(above, BUDGET.fail),
                before(found, images)[0],
            ]
            cells = [ours.any(1), ours[strong], *(one.any(1) for one in others)]
            print(f"| {name} | {images} | " + " | ".join(_percent(one) for one in cells) + " |", flush=True)


def passing(audits: int, seed: int) -> None:
    """How often an uplift of 2 points passes."""
    print("\n### Power to pass: an uplift of 2 points, limit 10\n")
    print(
        "Percent of candidates that pass, and of runs that pass with fragility (the procedure before it in brackets):\n"
    )
    sizes = (40, 80, 120, 200)
    _head("setting", sizes)
    for name, world in WEAK.items():
        cells = []
        for images in sizes:
            found = simulate(world, images, audits, seed)
            _, below = p_values(found, images)
            solid = fragility_bounds(found.covered, BUDGET.fragility, BUDGET.passing)[1] < FRAGILITY_LIMIT
            ours, old = passes(below, BUDGET.passing), before(found, images)[1]
            cells.append(f"{_percent(ours)}, {_percent(ours.all(1) & solid)} ({_percent(old)}, {_percent(old.all(1))})")
        _row(name, cells)


def looks(audits: int, seed: int) -> None:
    """False fails of a run that is looked at again with more pictures until it settles."""
    print("\n### Looking again: pictures added five times, all candidates at the limit\n")
    print(
        "Percent of runs that have failed at some look so far, by a budget over looks (at 5% each time in brackets):\n"
    )
    sizes = (40, 60, 80, 120, 160)
    _head("setting", sizes)
    for name in ("one covering that never flips", "one covering of 5%", "four of 5%"):
        world = replace(AT_THE_LIMIT[name], uplifts=LIMIT)
        spent, naive = np.zeros(audits, dtype=bool), np.zeros(audits, dtype=bool)
        cells = []
        for number, (images, found) in enumerate(_growing(world, sizes, audits, seed), start=1):
            above, _ = p_values(found, images)
            spent |= fails(above, 0.95 * spending(0.05, number)).any(1)
            naive |= fails(above, 0.05).any(1)
            cells.append(f"{_percent(spent)} ({_percent(naive)})")
        _row(name, cells)


def agreement(seed: int) -> None:
    """That the tables above are those of auditor.statistics."""
    compared = sum(
        check(simulate(world, images, 250, seed), images, 4)
        for world in (
            AT_THE_LIMIT["one of 5%, three of 1%"],
            STRONG["one covering, one among a spread"],
            WEAK["four of 5%"],
        )
        for images in (30, 80, 120)
    )
    print(f"\n{compared} candidates judged by auditor.statistics as well: the same verdicts.")


def _growing(world: World, sizes: Sequence[int], audits: int, seed: int) -> Iterator[tuple[int, Audits]]:
    """The same audits at a growing number of pictures: blocks of new ones are added to the counts."""
    total: Audits | None = None
    for number, (fewer, images) in enumerate(zip((0, *sizes[:-1]), sizes, strict=True)):
        block = simulate(world, images - fewer, audits, seed + 1000 * number)
        if total is None:
            total = block
        else:
            total = Audits(
                total.first_only + block.first_only,
                total.second_only + block.second_only,
                total.uplift,
                np.concatenate([total.covered, block.covered], axis=1),
            )
        yield images, total


def _percent(values: ArrayLike) -> str:
    return f"{100 * float(np.mean(np.asarray(values))):.1f}"


def _head(first: str, sizes: Sequence[int]) -> None:
    print(f"| {first} | " + " | ".join(f"{size} pictures" for size in sizes) + " |")
    print("| --- |" + " ---: |" * len(sizes))


def _row(name: str, cells: Sequence[str]) -> None:
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
