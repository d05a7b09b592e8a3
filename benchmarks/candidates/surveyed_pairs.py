"""Do audits agree with a survey's order of pairs? Audits at a reduced budget of pairs spread over the ranking.

    python -m benchmarks.candidates.surveyed_pairs SURVEY OUT [--pairs 12] [--pictures 60]

SURVEY is the folder of a finished survey; audits go to OUT, which a later call goes on with. They are those of the
scoreboard of planted worlds (no icons, no trained patch, 1000 crops screened), on at most so many pictures of each
class and split. The table tells of each pair its place, what the survey expects, and the largest confirmed uplift of an
audit's crops of third classes, which are what a survey ranks by; then the rank correlation of the two.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from auditor.core.config import AuditConfig, build_config
from auditor.core.progress import Silence
from auditor.core.records import AuditResult, Tier
from auditor.core.records.whole_model import SurveyedPair
from auditor.inputs.model.loading import class_names_of
from auditor.run.audit import continue_run, new_run, stored_config
from auditor.run.folder import RunFolder
from auditor.run.survey.begin import config_of_pair, config_of_survey
from auditor.run.survey.numbers import stored
from auditor.run.tables import images_from_table
from auditor.run.worlds.budget import reduced


def spread(count: int, most: int) -> list[int]:
    """Places from the first to the last of `count`, half of them in its first tenth."""
    near = np.linspace(0, max(1, count // 10), most // 2, endpoint=False)
    far = np.linspace(max(1, count // 10), count - 1, most - most // 2)
    return sorted({round(place) for place in (*near, *far)})


def small(config: AuditConfig, pictures: int) -> AuditConfig:
    """The reduced settings on few pictures."""
    whole = reduced(config, config.seed).model_dump(exclude={"base"})
    images, candidates = whole["images"], whole["candidates"]
    few = {
        "screened": 1000,
        "whole_pictures": 0,
        "own_places": 0,
        "library": False,
        "shapes": 0,
        "pairs": 0,
        "confirmed": 4,
    }
    smaller = {"images": {**images, "max_per_class": pictures}, "candidates": {**candidates, **few}}
    return build_config({**whole, **smaller}, config.base)


def audited(config: AuditConfig, folder: Path) -> AuditResult:
    """The audit of a pair; one that was begun goes on."""
    if folder.exists():
        run = RunFolder.open(folder)
        return continue_run(run, stored_config(run), Silence()).result
    return continue_run(new_run(config, folder), config, Silence()).result


def largest(result: AuditResult) -> float:
    """The largest uplift of the confirmed crops of third classes."""
    third = [
        one.uplift for one in result.findings if one.candidate.tier is Tier.THIRD_CLASS and one.placement == "fixed"
    ]
    return max(third, default=float("nan"))


def _row(place: int, pair: SurveyedPair, result: AuditResult) -> str:
    one = pair.measured
    return (
        f"| {place} | {pair.source} → {pair.target} | {one.flips}/{one.eligible} | {100 * pair.expected_uplift:+.1f} | "
        f"{100 * largest(result):+.1f} | {result.verdict} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        prog="python -m benchmarks.candidates.surveyed_pairs",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("survey", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--pictures", type=int, default=60, help="of each class and split, at most")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    folder = RunFolder.open(chosen.survey)
    whole, config = stored(folder), config_of_survey(folder)
    table = folder.read_table("images.parquet")
    shown = table["label_name"].to_pylist()
    index = {str(name): one.label for name, one in zip(shown, images_from_table(table), strict=True)}
    names = class_names_of(config)
    started, expected, found = time.process_time(), [], []
    print("| place | pair | survey's flips | expected over covering | audit's largest third class | verdict |")
    print("| ---: | --- | ---: | ---: | ---: | --- |")
    for place in spread(len(whole.pairs), chosen.pairs):
        pair = whole.pairs[place]
        of_pair = small(config_of_pair(config, names, index[pair.source], index[pair.target]), chosen.pictures)
        result = audited(of_pair, chosen.out / f"{index[pair.source]}-{index[pair.target]}")
        expected.append(pair.expected_uplift)
        found.append(largest(result))
        print(_row(place + 1, pair, result), flush=True)
    agreement = stats.spearmanr(expected, found, nan_policy="omit").statistic
    print(f"\nrank correlation {agreement:.2f}; {time.process_time() - started:.0f} s of one core")


if __name__ == "__main__":
    main()
