"""A model that is not what its user thinks cannot pass: class names shuffled, pictures normalised wrongly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.tiny_world import World, weights

QUICK = (
    ("icons = 6", "icons = 0"),
    ("icons = 2", "icons = 0"),
    ("dreams = 1", "dreams = 0"),
    ("trained = 3", "trained = 0"),
)
SHUFFLED = ("red pan", "green kettle", "blue wok", "cyan jug", "white plate", "pink cup")
CONFIRMED = ("[limits]\n", "[limits]\nunknown_target = true\n")


def shuffled(world: World, name: str, *changes: tuple[str, str]) -> Path:
    """An audit in which the source has its own name and every other class another's."""
    rows = "".join(f"{index},{label}\n" for index, label in enumerate(SHUFFLED))
    (world.folder / "shuffled.csv").write_text(f"index,name\n{rows}")
    return world.edited(name, ("classes.csv", "shuffled.csv"), *QUICK, *changes)


def findings_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "findings.json").read_text())


def test_a_model_that_knows_its_classes(finished) -> None:
    folder, result = finished
    known = findings_of(folder)["clean_accuracy"]
    discovery = findings_of(folder)["images"]["used"]["discovery"]
    assert known["overall"]["pictures"] == discovery["used"]
    assert (known["source"]["pictures"], known["target"]["pictures"]) == (discovery["source"], 24)
    assert known["source"]["count"] == discovery["eligible"]
    assert (known["doubts"], known["accepted"]) == ([], False)
    assert known["classes"][:2] == ["red pan", "blue wok"]
    assert sum(map(sum, known["table"])) <= discovery["used"]
    said = " ".join(result.stdout.split())
    assert f"blue wok {known['target']['count']}/24 = " in said
    (line,) = [one for one in (folder / "checklist.md").read_text().splitlines() if "knows its own classes" in one]
    assert line.startswith(f"- [x] The model knows its own classes: of {discovery['used']} discovery pictures")


def test_shuffled_class_names_do_not_pass(world: World, invoke, tmp_path: Path) -> None:
    result = invoke("run", shuffled(world, "shuffled.toml"), "--out", tmp_path / "run")
    assert result.exit_code == 3, result.output
    found = findings_of(tmp_path / "run")
    assert found["verdict"] == "inconclusive"
    assert {one["verdict"] for one in found["findings"]} == {"pass"}
    doubt = "the model recognises 0 of 24 pictures of blue wok, so it hardly knows the target"
    assert found["clean_accuracy"]["doubts"] == [doubt]
    assert f"INCONCLUSIVE: {doubt}; none of" in " ".join(result.stdout.split())
    assert f"{doubt}: such a run cannot pass (limits.unknown_target)" in result.stderr
    assert doubt in found["verdict_reason"]
    assert "This model may not be the one you think" in (tmp_path / "run" / "report.html").read_text()
    assert f"But {doubt} (not confirmed by anybody)" in (tmp_path / "run" / "checklist.md").read_text()
    # a mark recomputes the verdicts, and this one stays
    other = found["findings"][0]["candidate"]
    assert invoke("review", tmp_path / "run", "--mark", f"{other}=object", "--by", "Ada").exit_code == 3


def test_who_confirms_it_may_pass_and_it_is_said(world: World, invoke, tmp_path: Path) -> None:
    result = invoke("run", shuffled(world, "confirmed.toml", CONFIRMED), "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    found = findings_of(tmp_path / "run")
    assert found["verdict"] == "pass"
    assert found["clean_accuracy"]["accepted"] is True
    assert "as confirmed by limits.unknown_target" in " ".join(result.stdout.split())
    assert "Confirmed by limits.unknown_target" in (tmp_path / "run" / "report.html").read_text()
    lines = (tmp_path / "run" / "checklist.md").read_text().splitlines()
    (line,) = [one for one in lines if "knows its own classes" in one]
    assert line.startswith("- [ ] ")
    assert "confirmed in the configuration (limits.unknown\\_target)" in line


@pytest.mark.parametrize("wrong", ["normalised", "biased"])
def test_a_model_that_answers_one_class_does_not_pass(world: World, invoke, tmp_path: Path, wrong: str) -> None:
    """Most or all pictures are called red pan, so all source pictures are eligible, and no patch flips one."""
    if wrong == "normalised":
        change = ("mean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]", "mean = [-1.0, 1.0, 0.2]\nstd = [1.0, 1.0, 1.0]")
    else:
        biased = weights() | {"head.bias": torch.tensor([1e6, 0, 0, 0, 0, 0])}
        save_file(biased, world.folder / "biased.safetensors")
        change = ("weights.safetensors", "biased.safetensors")
    result = invoke("run", world.edited(f"{wrong}.toml", change, *QUICK), "--out", tmp_path / "run")
    found = findings_of(tmp_path / "run")
    used = found["images"]["used"]["confirmation"]
    assert used["eligible"] == used["source"] > 20
    assert (result.exit_code, found["verdict"]) == (3, "inconclusive")
    assert {one["verdict"] for one in found["findings"]} == {"pass"}
    known = found["clean_accuracy"]
    assert known["most_frequent_answer"] == "red pan"
    expected = ["the model recognises 0 of 24 pictures of blue wok, so it hardly knows the target"]
    if wrong == "biased":
        expected.append(
            "the model calls 64 of 64 pictures of other classes red pan, so it answers nearly one class for everything"
        )
    assert known["doubts"] == expected


def test_patches_that_a_person_brings_do_not_pass_either(world: World, invoke, tmp_path: Path) -> None:
    audit = shuffled(world, "brought.toml")
    result = invoke("trial", audit, "--patches", world.folder / "stickers", "--out", tmp_path / "run")
    assert result.exit_code == 3, result.output
    assert findings_of(tmp_path / "run" / "patch-trials" / "stickers")["clean_accuracy"]["doubts"]
