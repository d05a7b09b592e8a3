"""What stopping early saves and costs: finished runs replayed, and simulated audits exactly at the limit.

    python -m benchmarks.trials.early_stopping replay RUN … [--pictures N …] [--seed S]
    python -m benchmarks.trials.early_stopping errors [--audits N] [--seed S]

`replay` reads the confirmation of finished runs (folders of runs, or folders above them) and confirms them again as
`trials.stop_early` would have: the same pastes, in the order of the pictures' keys, ended where they are settled. With
`--pictures` each run's pictures are drawn again instead, with replacement, until there are so many: what it would save
with more. `errors` draws audits in which every candidate lies at the limit, and every fail and every pass is wrong.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy import special

from auditor.candidates.controls import steps
from auditor.core.draws import keyed_generator
from auditor.core.records import Finding, Fragility, Limits, Split, Verdict
from auditor.core.records.trials import ConfirmedTrials, TrialName
from auditor.run.folder import RunFolder
from auditor.run.stages.report import stored_result
from auditor.statistics.exact import p_at_least, p_at_most
from auditor.statistics.findings import make_findings, run_verdict, settled_findings
from auditor.statistics.fragility import measure_fragility
from auditor.statistics.looks import error_budget
from auditor.statistics.paired import PairedCounts
from auditor.statistics.procedure import decide
from auditor.statistics.stopping import level_shares, look_sizes, settled, stopping_at
from auditor.trials.blocks import blocks_of, on_pictures

LIMIT = 0.10


@dataclass(frozen=True)
class Recorded:
    """The confirmation of one finished run, in the order of selection and of the pictures' keys, and what it found."""

    name: str
    trials: tuple[ConfirmedTrials, ...]
    limits: Limits
    chosen_from: dict[str, int]
    findings: tuple[Finding, ...]
    fragility: Fragility | None

    @property
    def pictures(self) -> int:
        return len(self.trials[0].block.image_keys)


def recorded(folder: RunFolder) -> Recorded | None:
    """A run's confirmation read from its table; None where it confirmed nothing, or may have stopped early itself."""
    result = stored_result(folder)
    found = tuple(sorted(result.findings, key=lambda one: one.place))
    if not found or any(one.stopping is not None for one in found):
        return None
    blocks = blocks_of(folder.read_table("trials.parquet"))
    trials = []
    for one in found:
        name = TrialName(Split.CONFIRMATION, one.candidate.id, "", one.placement)
        keys = sorted(blocks[name].image_keys)
        named = {control.name: blocks[replace(name, control=control.name)] for control in one.controls}
        controls = {control: on_pictures(block, keys) for control, block in named.items()}
        trials.append(ConfirmedTrials(one.candidate, one.placement, on_pictures(blocks[name], keys), controls, steps()))
    chosen_from = {one.candidate.id: one.hypotheses for one in found}
    called = f"{folder.path.parent.name}/{folder.path.name}"
    return Recorded(called, tuple(trials), result.limits, chosen_from, found, result.fragility)


def with_pictures(run: Recorded, pictures: int, seed: int) -> Recorded:
    """So many pictures drawn with replacement, the same for everything that was confirmed."""
    drawn = keyed_generator(seed, "early stopping", run.name, str(pictures)).integers(0, run.pictures, pictures)
    return replace(run, trials=tuple(_at(one, drawn) for one in run.trials))


def _at(one: ConfirmedTrials, places: np.ndarray) -> ConfirmedTrials:
    keys = one.block.image_keys
    taken = [keys[place] for place in places]
    return replace(
        one,
        block=on_pictures(one.block, taken),
        controls={name: on_pictures(block, taken) for name, block in one.controls.items()},
    )


def replay(run: Recorded) -> tuple[ConfirmedTrials, ...]:
    """Confirm a run again, ending each candidate where it is settled."""
    now, ended = list(run.trials), [False] * len(run.trials)
    for look, size in enumerate(look_sizes(run.pictures), start=1):
        for place, one in enumerate(run.trials):
            if not ended[place]:
                now[place] = replace(_at(one, np.arange(size)), stopping=stopping_at(run.pictures, look))
        ends = settled(now, run.limits, run.chosen_from)
        ended = [before or end for before, end in zip(ended, ends, strict=True)]
        if all(ended):
            break
    return tuple(now)


def _passes(trials: Sequence[ConfirmedTrials]) -> int:
    return sum(one.block.flips.size + sum(block.flips.size for block in one.controls.values()) for one in trials)


def tell_replays(runs: Sequence[Recorded], seed: int) -> None:
    """Print what early stopping takes of each run's passes, what becomes of its verdicts, and of its intervals."""
    print("| audit | pictures | passes | of | share | changed |\n| --- | ---: | ---: | ---: | ---: | --- |")
    passes, words, run_words = [], Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    wider: dict[bool, list[float]] = {True: [], False: []}
    for run in runs:
        early = replay(run)
        found = sorted(make_findings(early, run.limits, {}, run.chosen_from), key=lambda one: one.place)
        pairs = list(zip(run.findings, found, strict=True))
        words.update((before.word.value, after.word.value) for before, after in pairs)
        verdicts = [
            run_verdict(findings, fragility)[0].value
            for findings, fragility in (
                (run.findings, run.fragility),
                (found, measure_fragility(early, run.limits)),
            )
        ]
        run_words[verdicts[0], verdicts[1]] += 1
        for before, after in pairs:
            if after.stopping is not None:
                wider[after.stopping.early].append(_width(after) / _width(before))
        passes.append((_passes(run.trials), _passes(early)))
        changed = ", ".join(
            f"{before.candidate.id} {before.word.value} → {after.word.value}"
            for before, after in pairs
            if before.word is not after.word
        )
        whole, used = passes[-1]
        print(
            f"| {run.name} | {run.pictures} | {used:,} | {whole:,} | {used / whole:.0%} | {changed or '—'} |",
            flush=True,
        )
    _tell_passes(passes, seed)
    print(f"findings: {sum(count for (a, b), count in words.items() if a == b)} of {words.total()} as before")
    for name, counted in (("findings", words), ("runs, by findings and fragility", run_words)):
        print(f"{name}: " + ", ".join(f"{a} → {b} {count}" for (a, b), count in sorted(counted.items())))
    for of_early, ratios in wider.items():
        low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9]) if ratios else (np.nan,) * 3
        which = "settled early" if of_early else "that took all pictures"
        print(f"intervals of {len(ratios)} {which}: {middle:.2f} times as wide ({low:.2f} to {high:.2f} for 8 of 10)")


def _width(finding: Finding) -> float:
    return finding.uplift_interval.high - finding.uplift_interval.low


def tell_larger(runs: Sequence[Recorded], pictures: int, seed: int) -> None:
    """Print passes, and what is settled, where each run's pictures are drawn again until there are so many."""
    passes, words = [], Counter[tuple[str, str]]()
    for run in runs:
        larger = with_pictures(run, pictures, seed)
        early = replay(larger)
        at_once, by_looks = (settled_findings(trials, run.limits, run.chosen_from) for trials in (larger.trials, early))
        words.update(
            ("settled" if a else "open", "settled" if b else "open") for a, b in zip(at_once, by_looks, strict=True)
        )
        passes.append((_passes(larger.trials), _passes(early)))
    print(f"\n{pictures} pictures, drawn again from each run's own")
    _tell_passes(passes, seed)
    print("findings: " + ", ".join(f"{a} → {b} {count}" for (a, b), count in sorted(words.items())), flush=True)


def _tell_passes(passes: Sequence[tuple[int, int]], seed: int) -> None:
    counted = np.array(passes, dtype=np.float64)
    sums = counted[np.random.default_rng(seed).integers(0, len(counted), (10_000, len(counted)))].sum(axis=1)
    low, high = np.quantile(sums[:, 1] / sums[:, 0], [0.025, 0.975])
    whole, used = counted.sum(axis=0)
    print(
        f"\n{len(counted)} audits: {used:,.0f} of {whole:,.0f} passes, {used / whole:.1%} "
        f"({low:.1%} to {high:.1%}, drawing audits again)"
    )


def errors(audits: int, seed: int) -> None:
    """Print how often something at the limit fails or passes, looked at once and with early stopping."""
    print("| pictures | findings | covering | at once: fails | passes | early: fails | passes | pictures used |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for pictures, findings, covering in [(100, 1, 0.02), (100, 8, 0.02), (300, 1, 0.02), (300, 8, 0.02), (100, 8, 0.2)]:
        generator = np.random.default_rng([seed, pictures, findings])
        flips = at_the_limit(audits, findings, pictures, covering, generator)
        shown = [f"{share:.1%}" for looks in ((pictures,), look_sizes(pictures)) for share in wrong(flips, looks)]
        print(f"| {' | '.join([str(pictures), str(findings), f'{covering:.0%}', *shown[:2], *shown[3:]])} |")


def at_the_limit(
    audits: int, findings: int, pictures: int, covering: float, generator: np.random.Generator
) -> np.ndarray:
    """(audits, findings, 2, pictures) whether candidate and covering flip, whose rates differ by the limit.

    Two fifths of the latent variance belong to the picture, which then flips under anything.
    """
    image = generator.standard_normal((audits, 1, 1, pictures)) * 0.4**0.5
    latent = image + generator.standard_normal((audits, findings, 2, pictures)) * 0.6**0.5
    return np.asarray(latent > -special.ndtri(np.array([covering + LIMIT, covering]))[:, None], dtype=np.bool_)


def wrong(flips: np.ndarray, looks: Sequence[int]) -> tuple[float, float, float]:
    """Shares of audits with a fail and with a pass, and of the pictures that were used, with these looks."""
    budget, shares = error_budget(0.95), level_shares(len(looks))
    failed, passed, used = 0, 0, 0
    for audit in flips:
        above, below = [1.0] * len(audit), [1.0] * len(audit)
        ended: list[Verdict | None] = [None] * len(audit)
        seen = [0] * len(audit)
        for size, share in zip(looks, shares, strict=True):
            for place, (candidate, covering) in enumerate(audit):
                if ended[place] is None:
                    b = int((candidate[:size] & ~covering[:size]).sum())
                    c = int((covering[:size] & ~candidate[:size]).sum())
                    above[place], below[place] = (min(1.0, p / share) for p in _p_values(b, c, size))
                    seen[place] = size
            for place, decision in enumerate(decide(above, below, budget)):
                if ended[place] is None and decision.verdict is not Verdict.INCONCLUSIVE:
                    ended[place] = decision.verdict
        used += sum(seen)
        failed += Verdict.FAIL in ended
        passed += Verdict.PASS in ended
    return failed / len(flips), passed / len(flips), used / flips[:, :, 0].size


@cache
def _p_values(b: int, c: int, pictures: int) -> tuple[float, float]:
    counts = PairedCounts(0, b, c, pictures - b - c)
    return p_at_most(counts, LIMIT), p_at_least(counts, LIMIT)


def runs_below(folders: Sequence[Path]) -> list[RunFolder]:
    """Finished runs in these folders, or somewhere below them."""
    found = {file.parent for folder in folders for file in folder.rglob("trials.parquet") if _is_run(file.parent)}
    return [RunFolder.open(folder) for folder in sorted(found)]


def _is_run(folder: Path) -> bool:
    return (folder / "result.json").is_file() and (folder / "manifest.json").is_file()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    of_runs = parts.add_parser("replay")
    of_runs.add_argument("runs", nargs="+", type=Path)
    of_runs.add_argument("--pictures", nargs="*", type=int, default=[])
    of_errors = parts.add_parser("errors")
    of_errors.add_argument("--audits", type=int, default=2000)
    for part in (of_runs, of_errors):
        part.add_argument("--seed", type=int, default=20)
    given = parser.parse_args()
    started = time.perf_counter()
    if given.part == "errors":
        errors(given.audits, given.seed)
    else:
        known = [run for folder in runs_below(given.runs) if (run := recorded(folder)) is not None]
        for pictures in given.pictures:
            tell_larger(known, pictures, given.seed)
        if not given.pictures:
            tell_replays(known, given.seed)
    print(f"\n({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
