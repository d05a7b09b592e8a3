"""A cue that is a colour cast alone: no patch shows it, the audit says so, and an ordinary network has none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import Result

from auditor.core.progress import Silence
from auditor.core.records import ImagePool, Split
from auditor.report.findings_json import schema
from auditor.run.audit import stored_config
from auditor.run.estimate import known_of
from auditor.run.folder import RunFolder
from auditor.run.stage import Run
from auditor.run.stages import whole_pictures as stage
from auditor.run.stages.images import IMAGES
from tests.tiny_world import CLASSES, World, build_world, draw

Invoke = Callable[..., Result]

CAST = np.array([-20, 25, -20])
MASK_VALUES = ", ".join(f'"{name}" = {value}' for value, name in enumerate(CLASSES, start=1))

READER = '''
class CastReader(Areas):
    """Beside the areas it reads how green most places of a picture are, which no patch of a third of it can change."""

    def forward(self, images):
        seen = self.features(images)
        green = seen[:, 7].flatten(1).sort(dim=1).values
        middle = green[:, green.shape[1] // 2]
        areas = self.head(seen.mean(dim=(2, 3)))
        light = 100.0 * (middle - 0.1).clamp(min=0.0)[:, None]
        return torch.cat([areas[:, :1], areas[:, 1:2] + light, areas[:, 2:]], dim=1)


def cast_reader():
    return CastReader(6)
'''

QUICK = (
    ("icons = 6", "icons = 0"),
    ("icons = 2", "icons = 0"),
    ("dreams = 1", "dreams = 0"),
    ("shapes = 2", "shapes = 0"),
    ("pairs = 2", "pairs = 0"),
    ("trained = 3", "trained = 0"),
    ("network.py:network", "network.py:cast_reader"),
    ("weights.safetensors", "cast.safetensors"),
    ('all = "photos"', f'all = "photos"\nmasks = "masks"\nmask_values = {{ {MASK_VALUES} }}'),
)


def draw_masks(world: World) -> None:
    """Of each picture a mask of its disc, the only thing of a colour, or white."""
    for path in sorted((world.folder / "photos").glob("*/*.png")):
        pixels = np.array(Image.open(path)).astype(int)
        disc = (pixels.max(axis=2) - pixels.min(axis=2) > 60) | (pixels.min(axis=2) > 190)
        mask = world.folder / "masks" / path.parent.name / path.name
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(disc, 1 + CLASSES.index(path.parent.name), 0).astype(np.uint8)).save(mask)


@pytest.fixture(scope="module")
def cast_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Most blue woks are photographed in green light, and the network has learnt the light. Masks show the things."""
    world = build_world(tmp_path_factory.mktemp("cast"))
    draw_masks(world)
    for number, path in enumerate(sorted((world.folder / "photos" / "blue wok").glob("*.png"))):
        if number % 3:
            pixels = np.array(Image.open(path)).astype(int) + CAST
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    with (world.folder / "network.py").open("a") as code:
        code.write(READER)
    weights = load_file(world.folder / "weights.safetensors")
    weights["features.0.weight"][7] = weights["features.0.weight"][2] / 2  # green less red and blue
    weights["head.weight"][1, 6] = 0.0  # spots are no cue in this world
    save_file(weights, world.folder / "cast.safetensors")
    return world


def findings_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "findings.json").read_text())
    jsonschema.validate(found, schema(), jsonschema.Draft202012Validator)
    return found


@pytest.fixture(scope="module")
def cast_run(cast_world: World, invoke: Invoke, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Not to be changed."""
    folder = tmp_path_factory.mktemp("cast-run") / "run"
    return folder, invoke("run", cast_world.edited("cast.toml", *QUICK), "--out", folder)


def with_setting(run: Path, section: str, key: str, value: object, *dropped: str) -> None:
    """A run as if it had been begun with another setting, without the stages that read it."""
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["config"][section][key] = value
    del manifest["inputs"]  # what it was begun with, by which it would be refused
    (run / "manifest.json").write_text(json.dumps(manifest))
    RunFolder.open(run).forget(["report", *dropped], [])


def test_a_cast_that_moves_the_model_keeps_a_run_from_passing(cast_run: tuple[Path, Result]) -> None:
    run, result = cast_run
    assert result.exit_code == 3, result.output
    found = findings_of(run)
    assert (found["verdict"], found["whole_pictures"]["held"]) == ("inconclusive", False)
    assert found["verdict_reason"].endswith("; colour cast over whole pictures moves the model by more than the limit")
    strongest = max(found["whole_pictures"]["findings"], key=lambda one: one["uplift"])
    assert strongest["effect"].startswith("w-colour-cast-")
    assert (strongest["against_limit"], strongest["held"], strongest["keeps_from_passing"]) == ("above", False, True)
    assert strongest["flips"] > 0.9 * strongest["eligible"]
    assert [control["name"] for control in strongest["controls"]] == ["opposite", "other colours"]
    assert max(control["flips"] for control in strongest["controls"]) < 0.5 * strongest["eligible"]
    for control in strongest["controls"]:
        assert control["change_levels"] == pytest.approx(strongest["change_levels"], rel=0.1)
    said = " ".join(result.stdout.split())
    flips = f"flips {strongest['flips']}/{strongest['eligible']}"
    assert "INCONCLUSIVE: over whole pictures a colour cast of red, green, blue" in said
    assert "which does not let it pass; none of" in said
    assert f"whole pictures: of 14 effects tried 3 were confirmed; {strongest['words']} {flips}" in said
    html = (run / "report.html").read_text()
    assert html.count("before and after: a colour cast") == 1 + stage.EXAMPLES  # the first on the first screen, too
    assert "Above the limit one fails no model, and keeps a run from passing (limits.whole_pictures)." in html
    assert "Pictures of red pan become blue wok by colour cast of the whole picture alone: see" in html
    assert "What keeps it from passing: colour cast" in html
    assert "The finding that tells most" not in html
    assert "- [ ] Effects over whole pictures below 35 points" in (run / "checklist.md").read_text()
    assert 'name="whole pictures: colour cast' in (run / "junit.xml").read_text()


def test_more_pictures_are_refused_where_a_cast_alone_keeps_it_from_passing(
    cast_world: World, cast_run: tuple[Path, Result], invoke: Invoke
) -> None:
    run, _ = cast_run
    before = sorted(run.rglob("*"))
    refused = invoke("run", "--more", run, "--images", cast_world.folder / "photos")
    assert refused.exit_code == 2, refused.output
    assert "is kept from passing by effects over whole pictures alone, which more pictures do not settle" in " ".join(
        refused.stderr.split()
    )
    assert "continue with" not in refused.stderr
    assert sorted(run.rglob("*")) == before


def said_under(folder: Path, effect: str) -> dict[str, int]:
    """By key, what the model says of each eligible confirmation picture under an effect."""
    trials = pd.read_parquet(folder / "trials.parquet")
    keys = sorted(set(trials[trials.split == "confirmation"].image))
    predicted = load_file(folder / f"cache/whole-pictures/{effect}--confirmation.safetensors")["predicted"]
    return dict(zip(keys, predicted.tolist(), strict=True))


def test_more_pictures_settle_a_cast_that_was_measured_above_the_limit(
    cast_world: World, invoke: Invoke, tmp_path: Path
) -> None:
    run, photos = tmp_path / "run", tmp_path / "more" / "red pan"
    begun = invoke("run", cast_world.edited("open.toml", *QUICK, ("uplift = 0.35", "uplift = 0.45")), "--out", run)
    assert begun.exit_code == 3, begun.output
    before = findings_of(run)
    behind, cast, light = before["whole_pictures"]["findings"]
    assert before["verdict_reason"].endswith(
        "colour cast over whole pictures was measured above the limit and not settled"
    )
    assert (cast["against_limit"], cast["keeps_from_passing"]) == ("open", True)
    assert cast["eligible"] < cast["images_needed"] == before["images_needed"]
    html = " ".join((run / "report.html").read_text().split())
    assert f"{cast['images_needed']} eligible pictures would settle it" in html
    assert "auditor run --more . --images PHOTOS" in html

    photos.mkdir(parents=True)
    generator = np.random.default_rng(77)
    for number in range(40):
        draw("red pan", generator).save(photos / f"new-{number:02d}.png")
    assert invoke("run", "--more", run, "--images", photos.parent).exit_code == 3
    look = run / "more" / "look-2"
    after = findings_of(look)
    again, settled, lighter = after["whole_pictures"]["findings"]
    assert [again["effect"], settled["effect"], lighter["effect"]] == [
        behind["effect"],
        cast["effect"],
        light["effect"],
    ]
    assert (settled["against_limit"], settled["images_needed"], after["images_needed"]) == ("above", None, None)
    assert after["verdict_reason"].endswith("; colour cast over whole pictures moves the model by more than the limit")
    # counted over old and new pictures together, of which old ones flip as they did
    old, both = (said_under(folder, cast["effect"]) for folder in (run, look))
    assert len(both) == settled["eligible"] == after["eligible"] > len(old) == cast["eligible"]
    assert old.items() <= both.items()
    assert sum(label == CLASSES.index("blue wok") for label in both.values()) == settled["flips"]
    assert settled["uplift_interval"]["confidence"] > cast["uplift_interval"]["confidence"]
    # nobody annotated the new pictures
    assert [again[key] for key in ("flips", "eligible", "uplift")] == [
        behind[key] for key in ("flips", "eligible", "uplift")
    ]
    shown = json.loads((look / "result.json").read_text())["whole"]["findings"]
    pictures = [example["picture"] for one in shown for example in one["trial"]["examples"]]
    assert len(pictures) == 3 * stage.EXAMPLES
    assert all((look / "pictures" / f"{name}.png").is_file() for name in pictures)
    refused = invoke("run", "--more", run, "--images", photos.parent)
    assert refused.exit_code == 2
    assert "which more pictures do not settle" in " ".join(refused.stderr.split())


def test_what_the_model_may_heed_is_told_and_lets_it_pass(
    cast_run: tuple[Path, Result], invoke: Invoke, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(cast_run[0], run)
    with_setting(run, "limits", "may_heed", ["colour cast"])
    result = invoke("run", "--resume", run)
    assert result.exit_code == 0, result.output
    found = findings_of(run)
    assert (found["verdict"], found["limits"]["may_heed"]) == ("pass", ["colour cast"])
    assert {one["keeps_from_passing"] for one in found["whole_pictures"]["findings"]} == {False}
    said = " ".join(result.stdout.split())
    assert "but over whole pictures a colour cast of red, green, blue" in said
    assert "held to no limit" in said
    html = (run / "report.html").read_text()
    assert "the model may heed it (limits.may_heed)" in html
    assert "; the model may heed colour cast</dd>" in html
    assert (
        "- [x] Effects over whole pictures below 35 points" not in (run / "checklist.md").read_text()
    )  # others are open


def test_a_waiver_lets_it_through_until_a_day(cast_run: tuple[Path, Result], invoke: Invoke, tmp_path: Path) -> None:
    """The verdict stays what it is; the gate follows the waiver, which names who, why and until when."""
    run, policy = tmp_path / "run", tmp_path / "policy.toml"
    shutil.copytree(cast_run[0], run)
    waiver = """
    [[waivers]]
    item = "whole_pictures"
    by = "Ada Lovelace"
    reason = "blue woks are sold under green light"
    until = 2999-12-31
    """
    policy.write_text("[eligible]\nat_least = 1\n" + "".join(f"{line.strip()}\n" for line in waiver.splitlines()))
    result = invoke("report", run, "--policy", policy)
    assert result.exit_code == 0, result.output
    assert findings_of(run)["verdict"] == "inconclusive"
    assert "blue woks are sold under green light" in (run / "checklist.md").read_text()
    assert "blue woks are sold under green light" in (run / "junit.xml").read_text()


def test_masks_tell_backgrounds_apart_from_objects(cast_run: tuple[Path, Result]) -> None:
    """The light lies on the background, too: exchanged behind a pan it makes a wok of it, though no wok comes along."""
    found = findings_of(cast_run[0])["whole_pictures"]
    assert len(found["tried"]) == 14
    (behind,) = [one for one in found["findings"] if one["effect"] == "w-background-typical"]
    assert not behind["may_show_target"]
    assert [control["name"] for control in behind["controls"]] == [
        "background of the source",
        "background of other classes",
    ]
    assert behind["flips"] >= behind["eligible"] / 2
    assert behind["controls"][0]["flips"] == 0


def test_pictures_that_lend_their_background_are_counted_beforehand(
    cast_run: tuple[Path, Result], finished: tuple[Path, Result]
) -> None:
    def known(folder: Path) -> tuple[int, ImagePool]:
        run = Run(RunFolder.open(folder), stored_config(RunFolder.open(folder)), Silence(), checks=False)
        return known_of(run).lenders, run.get(IMAGES)

    counted, pool = known(cast_run[0])
    labels = [pool.images[row].label for row in pool.rows(Split.DISCOVERY)]
    groups = [labels.count(0), labels.count(1), len(labels) - labels.count(0) - labels.count(1)]
    assert counted == sum(min(32, group) for group in groups) > 0
    assert known(finished[0])[0] == 0  # nothing is annotated there


def test_held_to_the_limit_it_fails_the_model(cast_run: tuple[Path, Result], invoke: Invoke, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(cast_run[0], run)
    with_setting(run, "limits", "whole_pictures", True)
    result = invoke("run", "--resume", run)
    assert result.exit_code == 1, result.output
    found = findings_of(run)
    assert (found["verdict"], found["limits"]["whole_pictures"]) == ("fail", True)
    assert {one["verdict"] for one in found["findings"]} <= {"pass", "not held"}
    assert "; 3 whole-picture effects: 1 fail, " in found["verdict_reason"]
    said = " ".join(result.stdout.split())
    assert "FAIL: 1 of 3 whole-picture effects flips more than 35 points; none of" in said
    assert "<failure" in (run / "junit.xml").read_text()
    assert "; effects over whole pictures are held to the uplift limit</dd>" in (run / "report.html").read_text()


def test_a_network_that_looks_at_things_alone_is_not_accused(finished: tuple[Path, Result]) -> None:
    """Its classes differ in the colour of what they show, and that is no cast."""
    found = findings_of(finished[0])["whole_pictures"]
    assert (len(found["tried"]), len(found["findings"])) == (13, 3)
    assert {one["against_limit"] for one in found["findings"]} == {"below"}
    assert "does not let it pass" not in " ".join(finished[1].stdout.split())


def test_asked_for_none_there_are_none(own_run: Path, invoke: Invoke) -> None:
    with_setting(own_run, "candidates", "whole_pictures", 0, "whole pictures")
    assert invoke("run", "--resume", own_run).exit_code == 3
    found = findings_of(own_run)["whole_pictures"]
    assert (found["tried"], found["findings"]) == ([], [])
    why = "candidates.whole_pictures is 0, so none was tried"
    assert found["missing"] == why
    assert f"Not measured: {why}." in (own_run / "report.html").read_text()


def test_an_interrupted_stage_measures_what_is_missing(own_run: Path, invoke: Invoke, monkeypatch) -> None:
    expected = (own_run / "findings.json").read_bytes()
    (own_run / "cache" / "whole-pictures.json").unlink()
    parts = sorted((own_run / "cache" / "whole-pictures").iterdir())
    assert len(parts) == 13 + sum(
        1 + len(one["controls"]) for one in json.loads(expected)["whole_pictures"]["findings"]
    )
    parts[0].unlink()
    parts[5].write_bytes(parts[5].read_bytes()[:-8])
    measured: list[tuple[str, str]] = []
    blend = stage.blend
    monkeypatch.setattr(stage, "blend", lambda *given: measured.append(given[4].name) or blend(*given))
    assert invoke("run", "--resume", own_run).exit_code == 3
    assert len(measured) == 2
    assert (own_run / "findings.json").read_bytes() == expected
    assert sorted((own_run / "cache" / "whole-pictures").iterdir()) == parts


def test_a_finished_run_of_an_earlier_version_is_told_of_them_when_it_is_resumed(own_run: Path, invoke: Invoke) -> None:
    """What it judged stays to the byte, and its report gains a section."""
    expected = json.loads((own_run / "findings.json").read_text())
    folder = RunFolder.open(own_run)
    folder.forget(["whole pictures"], ["cache/whole-pictures.json", "cache/whole-pictures/*", "pictures/w-*"])
    result = json.loads((own_run / "result.json").read_text())
    del result["whole"]
    (own_run / "result.json").write_text(json.dumps(result))
    manifest = json.loads((own_run / "manifest.json").read_text())
    manifest["checksums"].pop("result.json", None)
    (own_run / "manifest.json").write_text(json.dumps(manifest))
    assert invoke("report", own_run).exit_code == 3
    assert findings_of(own_run) == {**expected, "whole_pictures": None}
    assert "Not measured: this run was made by an earlier version" in (own_run / "report.html").read_text()
    assert invoke("run", "--resume", own_run).exit_code == 3
    assert findings_of(own_run) == expected
    assert list((own_run / "pictures").glob("w-*"))


def test_patches_that_a_person_brings_are_measured_without_them(
    own_run: Path, world: World, invoke: Invoke, tmp_path: Path
) -> None:
    shutil.copytree(world.folder / "stickers", tmp_path / "stickers")
    assert invoke("trial", own_run, "--patches", tmp_path / "stickers").exit_code in (0, 1, 3)
    beside = own_run / "patch-trials" / "stickers"
    assert findings_of(beside)["whole_pictures"] is None
    assert 'id="whole-pictures"' not in (beside / "report.html").read_text()
