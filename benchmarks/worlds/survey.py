"""Does the planted pair lead a survey of the whole model? Every built world and its clean twin, surveyed blind.

    python -m benchmarks.worlds.survey CACHE OUT [--worlds noodles tag]

CACHE holds worlds that `auditor worlds build` built; surveys go to OUT. Crops are cut, and chosen, on the pictures on
which a world's audit discovers (40 to 100 a class, the cue in them as planted; masks tell what is an object), and
confirmed on 60 fresh ones of each class without any cue. For each network: the place among 56 pairs of the planted one,
and of the first that leads to the planted target, by the order of a survey; how many pairs are confirmed, and how many
of them lead to that target; and where that first pair's crop was pasted. A cue lies in the target's pictures, and
pushes pictures of every class there, so the pair that was named for an audit need not be the strongest of the seven
into its target: what the cue itself does on the fresh pictures of each class tells its place among these.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_model

from auditor.core.config import AuditConfig, build_config, read_config
from auditor.core.progress import Silence
from auditor.core.records.whole_model import WholeModel
from auditor.inputs.world.kitchen import class_folder
from auditor.inputs.world.planted import CLASS_NAMES, WORLDS, World
from auditor.inputs.world.planted_bundle import AUDIT_SEED
from auditor.inputs.world.planted_networks import NETWORKS
from auditor.inputs.world.planted_pictures import BasePicture, base_pictures
from auditor.run.folder import RunFolder
from auditor.run.survey.begin import config_of_survey
from auditor.run.survey.survey import continue_survey, survey
from auditor.run.worlds.cache import CONFIG, SIDES, WEIGHTS, side_folder
from auditor.run.worlds.train import effect

SETTINGS = {"crops": 800, "pictures": 60}
FIRST, FRESH = 1000, 60
"""Pictures of each class to confirm on: no world has pictures of these numbers."""


def write_fresh(folder: Path, bases: Sequence[BasePicture]) -> Path:
    """Pictures of the kitchen without any cue; what is there stays."""
    for base in bases:
        name = class_folder(CLASS_NAMES[base.shown])
        file = folder / name / f"{base.index}.png"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(base.picture.pixels).save(file)
    return folder


def surveyed(config: Path, out: Path, fresh: Path) -> WholeModel:
    """A world's network as a survey sees it; one that was begun goes on."""
    if out.exists():
        folder = RunFolder.open(out)
        return continue_survey(folder, config_of_survey(folder), Silence()).whole
    return survey(whole_config(read_config(config), fresh), out).whole


def whole_config(config: AuditConfig, fresh: Path) -> AuditConfig:
    """Every pair of a world's classes."""
    values = config.model_dump(exclude={"base"})
    images = {**values["images"], "selection": None, "confirmation": str(fresh.absolute())}
    everything = {"source": "*", "target": "*", "device": "cpu", "survey": SETTINGS}
    return build_config({**values, **everything, "images": images}, config.base)


def cue_itself(world: World, weights: Path, bases: Sequence[BasePicture]) -> str:
    """What the cue does to pictures of the source, and its place among the classes that it may push."""
    network = NETWORKS[world.network]()
    load_model(network, weights)
    rates = {}
    for name in CLASS_NAMES:
        if name != world.target:
            own = [base for base in bases if CLASS_NAMES[base.shown] == name]
            rates[name] = effect(replace(world, source=name), network.eval(), own)
    stronger = sum(one.rate > rates[world.source].rate for one in rates.values())
    most = max(rates, key=lambda name: rates[name].rate)
    told = f"{rates[world.source].flips}/{rates[world.source].eligible}, {stronger + 1} of {len(rates)}"
    return told if most == world.source else f"{told} ({most} {rates[most].flips}/{rates[most].eligible})"


def row(world: World, side: str, whole: WholeModel, cue: str) -> str:
    """What a survey says of the planted pair."""
    pairs = [(pair.source, pair.target) for pair in whole.pairs]
    into = [place for place, (_, target) in enumerate(pairs, start=1) if target == world.target]
    own = pairs.index((world.source, world.target)) + 1
    confirmed = [pair.target for pair in whole.confirmed]
    first, leading = whole.pairs[0], whole.pairs[into[0] - 1]
    place = "corner" if leading.measured.spot is None else leading.measured.spot.words
    return (
        f"| {world.name} | {side} | {world.source} → {world.target} | {own} | {into[0]} | "
        f"{len(confirmed)}, {confirmed.count(world.target)} | "
        f"{first.source} → {first.target}, {first.measured.flips}/{first.measured.eligible} | {place} | {cue} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, prog="python -m benchmarks.worlds.survey", formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--worlds", nargs="*", help="left out: all that are built and have a target")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    started = time.process_time()
    bases = base_pictures(CLASS_NAMES, FRESH, AUDIT_SEED, FIRST)
    fresh = write_fresh(chosen.out / "pictures", bases)
    columns = "its place | first into its target | confirmed, into it | first pair | first crop into it | cue itself"
    print(f"| world | network | planted pair | {columns} |")
    print("| --- | --- | --- | ---: | ---: | --- | --- | --- | --- |")
    for side in SIDES:
        for world in WORLDS.values():
            config = side_folder(chosen.cache, world, side) / CONFIG
            if world.target and config.is_file() and world.name in (chosen.worlds or [world.name]):
                whole = surveyed(config, chosen.out / f"{world.name}-{side}", fresh)
                print(row(world, side, whole, cue_itself(world, config.with_name(WEIGHTS), bases)), flush=True)
    print(f"\n{time.process_time() - started:.0f} s of one core")


if __name__ == "__main__":
    main()
