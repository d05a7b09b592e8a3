"""Tables beside the verdict: draws of coverings, fragility, the search, rank correlations, log-odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from auditor.statistics.log_odds import log_odds_uplift, moments_of
from auditor.statistics.looks import error_budget
from auditor.statistics.ranking import noise_free_correlation, rank_correlation
from auditor.statistics.resampling import difference_interval, two_way_difference_interval
from benchmarks.statistics.simulated_audits import LIMIT
from benchmarks.statistics.vectorised import exact_p, fragility_bounds

BUDGET = error_budget(0.95)


def draws(audits: int, seed: int) -> None:
    """The same patch on the same 88 pictures under many names: what the luck of a covering's drawing does."""
    print("\n### One patch under twenty names: 88 pictures, five coverings drawn anew for each name\n")
    print("Spread of the uplift over names in points, and percent of names whose verdict is not the commonest:\n")
    print(
        "| candidate, coverings | drawn once: spread | other verdict | drawn for each picture: spread | other verdict |"
    )
    print("| --- | ---: | ---: | ---: | ---: |")
    generator = np.random.default_rng(seed)
    patches, names, images, coverings = max(20, audits // 100), 20, 88, 5
    for rate, covering, luck in ((0.30, 0.08, 0.8), (0.20, 0.05, 0.8), (0.12, 0.05, 0.8), (0.35, 0.05, 0.3)):
        cells = []
        for drawn_once in (True, False):
            spreads, others = [], []
            for _ in range(patches):
                image = generator.standard_normal(images) * 0.4**0.5
                flips = image + generator.standard_normal(images) * 0.6**0.5 > -special.ndtri(rate)
                # a drawing has a strength of its own; its share of the latent variance is luck / (1 + luck)
                own = (names, coverings, 1) if drawn_once else (names, coverings, images)
                strength = generator.standard_normal(own) * luck**0.5
                rest = generator.standard_normal((names, coverings, images)) * 0.6**0.5
                covered = image + rest + strength > -special.ndtri(covering) * (1 + luck) ** 0.5
                first, second = (flips & ~covered).sum(-1), (~flips & covered).sum(-1)
                spreads.append(100 * ((first - second).min(-1) / images).std())
                above = exact_p(first, second, images, LIMIT).max(-1)
                below = np.sort(exact_p(second, first, images, -LIMIT), axis=-1)
                below = (below * coverings / np.arange(1, coverings + 1)).min(-1)
                verdicts = np.where(above < BUDGET.fail, 1, np.where(below < BUDGET.passing, -1, 0))
                others.append(1 - np.bincount(verdicts + 1).max() / names)
            cells += [f"{np.mean(spreads):.1f}", f"{100 * np.mean(others):.0f}"]
        print(f"| {rate:.0%}, {covering:.0%} each | " + " | ".join(cells) + " |", flush=True)


def fragility(audits: int, seed: int) -> None:
    """How often the clustered interval of a covering's rate misses the rate on either side."""
    print("\n### Fragility: bounds that err, in percent, each meant to err 4.5% of the time\n")
    print("| rate | draws | pictures | 30 pictures: above, below | 80 | 300 | largest of the draws above, of 80 |")
    print("| ---: | ---: | --- | ---: | ---: | ---: | ---: |")
    generator = np.random.default_rng(seed)
    for rate in (0.25, 0.1):
        for count in (4, 32):
            for words, effect in (("alike", 0.05), ("unlike", 0.5), ("flip under all or none", 0.9)):
                cells = []
                for images in (30, 80, 300):
                    chances = special.ndtr(
                        (special.ndtri(rate) + effect**0.5 * generator.standard_normal((audits, images)))
                        / (1 - effect) ** 0.5
                    )
                    low, high = fragility_bounds(
                        generator.binomial(count, chances) / count, BUDGET.passing, BUDGET.passing
                    )
                    cells.append(f"{100 * np.mean(low > rate):.1f}, {100 * np.mean(high < rate):.1f}")
                largest = generator.binomial(80, rate, size=(audits, count)).max(1)
                tail = stats.beta.ppf(0.045 / count, largest, 80 - largest + 1)
                cells.append(f"{100 * np.mean(largest / 80 > rate):.0f} ({100 * np.mean(tail > rate):.1f} corrected)")
                print(f"| {rate:.0%} | {count} | {words} | " + " | ".join(cells) + " |", flush=True)


def crops(
    generator: np.random.Generator, count: int, images: int, mean: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Strength, true rate and (crops, images) flips of crops of six families, on images that flip under anything."""
    strength = generator.standard_normal(count)
    rates = np.clip(0.03 + mean * np.exp(strength) / np.e**0.5, 0, 0.95)
    image = generator.standard_normal((1, images)) * 0.4**0.5
    family = (generator.standard_normal((6, images)) * 0.2**0.5)[generator.integers(0, 6, count)]
    latent = image + family + generator.standard_normal((count, images)) * 0.4**0.5
    return strength, rates, (latent > -special.ndtri(rates)[:, None]).astype(np.float64)


def search(audits: int, seed: int) -> None:
    """How often suggested and random crops of one population are called different."""
    repeats = max(100, audits // 10)
    print(f"\n### Did the suggestions help: groups of one population called different, {repeats} audits\n")
    print("In percent, meant to be at most 5 (resampling pictures alone in brackets):\n")
    print("| crops in each group | mean uplift | 40 pictures | 120 pictures |")
    print("| --- | ---: | ---: | ---: |")
    generator = np.random.default_rng(seed)
    for sizes in ((3, 3), (5, 12), (8, 8), (48, 48)):
        for mean in (0.01, 0.05, 0.15):
            cells = []
            for images in (40, 120):
                excluded = np.zeros(2)
                for number in range(repeats):
                    flips = crops(generator, sum(sizes), images, mean)[2]
                    pair = flips[: sizes[0]], flips[sizes[0] :]
                    fair = two_way_difference_interval([pair], [1.0], 0.95, number, resamples=300)
                    plain = difference_interval(*pair, 0.95, number, resamples=300)
                    excluded += [not one.low <= 0 <= one.high for one in (fair, plain)]
                cells.append(f"{100 * excluded[0] / repeats:.1f} ({100 * excluded[1] / repeats:.0f})")
            print(f"| {sizes[0]} and {sizes[1]} | {100 * mean:.0f} points | " + " | ".join(cells) + " |", flush=True)


def ranks(audits: int, seed: int) -> None:
    """How often the interval holds the correlation of push with the crops' true uplifts."""
    repeats = max(50, audits // 20)
    print(f"\n### Rank correlations: intervals that hold the value without noise, {repeats} audits\n")
    print("In percent, meant to be at least 95 (resampling pictures alone in brackets), and the mean width:\n")
    print("| crops | pictures | mean uplift | true correlation | measured | held | width |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    generator = np.random.default_rng(seed)
    for count, images in ((30, 40), (100, 40), (100, 120)):
        for mean in (0.02, 0.1):
            for signal in (0.0, 0.7, 0.95):
                truth, measured, held, widths = [], [], np.zeros(2), []
                for number in range(repeats):
                    strength, rates, flips = crops(generator, count, images, mean)
                    push = signal * strength + (1 - signal**2) ** 0.5 * generator.standard_normal(count)
                    true = float(stats.spearmanr(push, rates).statistic)
                    fair = noise_free_correlation(push, flips, np.zeros(images), 0.95, number)
                    plain = rank_correlation(push, flips, np.zeros(images), 0.95, number, resamples=200)
                    if fair.interval is None or plain.interval is None:
                        continue
                    held += [one.low <= true <= one.high for one in (fair.interval, plain.interval)]
                    truth.append(true)
                    measured.append(fair.value)
                    widths.append(fair.interval.high - fair.interval.low)
                shares = 100 * held / len(truth)
                print(
                    f"| {count} | {images} | {100 * mean:.0f} points | {np.mean(truth):.2f} | {np.mean(measured):.2f} "
                    f"| {shares[0]:.0f} ({shares[1]:.0f}) | {np.mean(widths):.2f} |",
                    flush=True,
                )


def odds(audits: int, seed: int) -> None:
    """How often bounds of a mean gain in log-odds err: Hall's transformed t, and plain t."""
    repeats = max(200, audits // 4)
    print(f"\n### Log-odds uplift: bounds that err, {repeats} audits, each meant to err 4.5% of the time\n")
    print("In percent, lower and upper, one covering, without skewness (by plain t in brackets):\n")
    print("| gain of a picture | 30 pictures | 80 | 200 |")
    print("| --- | ---: | ---: | ---: |")
    generator = np.random.default_rng(seed)
    for words, share, jump in (
        ("normal", 0.0, 0.0),
        ("one picture in ten gains 6 more", 0.1, 6.0),
        ("one in 30", 1 / 30, 6.0),
    ):
        cells = []
        for images in (30, 80, 200):
            wrong = np.zeros(4)
            for _ in range(repeats):
                gain = generator.normal(0.5, 1.0, images) + jump * (generator.random(images) < share)
                true = 0.5 + jump * share
                bound = log_odds_uplift({"noise": moments_of(gain)}, 0.045, 0.045).interval
                reach = stats.t.isf(0.045, images - 1) * gain.std(ddof=1) / images**0.5
                wrong += [bound.low > true, bound.high < true, gain.mean() - reach > true, gain.mean() + reach < true]
            low, high, plain_low, plain_high = 100 * wrong / repeats
            cells.append(f"{low:.1f}, {high:.1f} ({plain_low:.1f}, {plain_high:.1f})")
        print(f"| {words} | " + " | ".join(cells) + " |", flush=True)
