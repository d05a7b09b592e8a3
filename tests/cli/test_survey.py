"""Surveys by the command line: the planted cue leads, an interrupted one ends in the same bytes, mistakes are told."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import Result

from auditor.core.config import AuditConfig
from auditor.core.progress import Progress
from auditor.core.settings.trials import ComputeConfig
from auditor.core.work import Here
from auditor.run.folder import RunFolder
from auditor.trials.sweep import Sweep
from tests.tiny_world import CLASSES, COUNTS, World, draw

Invoke = Callable[..., Result]

SETTINGS = """
[survey]
crops = 180
screening_pictures = 2
tried = 2
selection_pictures = 6
pictures = 12
features = 3
"""


@pytest.fixture(scope="module")
def own(world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A copy of the tiny world with as many pictures of each class, and yellow spots in green kettles' pictures."""
    folder = tmp_path_factory.mktemp("survey") / "world"
    shutil.copytree(world.folder, folder)
    generator = np.random.default_rng(7)
    for label in CLASSES:
        for number in range(30 - COUNTS[label]):
            draw(label, generator).save(folder / "photos" / label / f"more-{number:02d}.png")
    for number in range(16):
        picture = np.array(draw("green kettle", generator))
        top, left = generator.integers(2, 20, size=2)
        picture[top : top + 8, left : left + 8] = (250, 235, 10)
        Image.fromarray(picture).save(folder / "photos" / "green kettle" / f"spots-{number:02d}.png")
    return World(folder)


@pytest.fixture(scope="module")
def surveyed(own: World) -> Path:
    """Its settings for a survey."""
    return own.edited(
        "survey.toml",
        ('source = "red pan"\ntarget = "blue wok"\n', ""),
        ("shares = [0.2, 0.2, 0.6]", "shares = [0.3, 0.2, 0.5]"),
        ("icons = 6", "icons = 0"),
        ("icons = 2", "icons = 0"),
        ("dreams = 1", "dreams = 0"),
        ("trained = 3", "trained = 0"),
        ("findings = 1", "findings = 0"),
        ("confidence = 0.8\n", f"confidence = 0.8\n{SETTINGS}"),
    )


@pytest.fixture(scope="module")
def whole(surveyed: Path, invoke: Invoke, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A finished survey's folder, not to be changed, and what the command printed as JSON."""
    return _finished(invoke, surveyed, tmp_path_factory.mktemp("whole") / "survey")


def _finished(invoke: Invoke, config: Path, folder: Path) -> tuple[Path, dict[str, object]]:
    result = invoke("survey", config, "--out", folder, "--json")
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


def test_the_planted_cue_leads(whole: tuple[Path, dict[str, object]]) -> None:
    """Yellow spots call the blue wok wherever they lie, those of green kettles' pictures too: pairs into it lead."""
    _, told = whole
    assert (told["possible"], told["tried"], len(told["pairs"])) == (30, 30, 30)
    into_wok = [pair["target"] == "blue wok" for pair in told["pairs"]]
    assert into_wok[:4] == [True] * 4
    first = told["pairs"][0]
    assert first["measured"]["flips"] == first["measured"]["eligible"] > 0
    assert first["measured"]["tier"] == "third_class"
    assert (
        told["crops"][[one["id"] for one in told["crops"]].index(first["measured"]["crop"])]["label"] == "green kettle"
    )
    assert {(pair["source"], pair["target"]) for pair in told["pairs"] if pair["confirmed"]} == {
        (label, "blue wok") for label in CLASSES if label not in ("blue wok", "green kettle")
    }
    assert f"{first['source']} → blue wok leads" in told["headline"]
    feature = told["features"][0]
    assert (feature["target"], feature["classes"], feature["reached"]) == ("blue wok", 4, 4)
    by_name = {one["name"]: one for one in told["classes"]}
    assert max(by_name, key=lambda name: by_name[name]["reached_cropped"]) == "blue wok"
    assert (by_name["red pan"]["pairs_out"], by_name["blue wok"]["pairs_in"]) == (1, 4)
    assert told["suggested"] > told["random"]


def test_every_number_can_be_counted_again(whole: tuple[Path, dict[str, object]]) -> None:
    folder, told = whole
    names = [one["name"] for one in told["classes"]]
    pastes = pq.ParquetDataset([str(path) for path in sorted((folder / "pastes").iterdir())]).read().to_pandas()
    for pair in told["pairs"]:
        one, source, target = pair["measured"], names.index(pair["source"]), names.index(pair["target"])
        own = pastes[(pastes["source"] == source) & (pastes["crop"] == int(one["crop"].removeprefix("w-")))]
        assert (int((own["called"] == target).sum()), len(own)) == (one["flips"], one["eligible"])
        coverings = pastes[(pastes["source"] == source) & (pastes["crop"] < 0)]
        rates = (coverings["called"] == target).groupby(coverings["control"]).mean()
        assert rates.max() == pytest.approx(pair["covering"])
    images = pq.read_table(folder / "images.parquet").to_pandas().set_index("key")
    assert set(images.loc[pastes["image"], "split"]) == {"confirmation"}
    assert (images.loc[pastes["image"], "label"].to_numpy() == pastes["source"].to_numpy()).all()


def _files(folder: Path) -> dict[str, bytes]:
    """All that was measured, and what it came to."""
    kept = RunFolder(folder).matching(
        ("crops.parquet", "screened/*", "tried/*", "pastes/*", "cache/whole-model.json", "cache/clean.safetensors")
    )
    return {file: (folder / file).read_bytes() for file in kept}


def stopping(at: int) -> Callable[..., object]:
    """Pasting that is interrupted at its so many-th patch."""
    pasted, logits = [], Sweep.logits

    def counted(*arguments: object, **named: object) -> object:
        pasted.append(1)
        if len(pasted) == at:
            raise KeyboardInterrupt
        return logits(*arguments, **named)

    return counted


def test_an_interrupted_survey_ends_in_the_same_bytes(
    whole: tuple[Path, dict[str, object]],
    surveyed: Path,
    invoke: Invoke,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "survey"
    for stop_at in (9, 40):  # among selection pictures, and among confirmation pictures
        with monkeypatch.context() as patch:
            patch.setattr(Sweep, "logits", stopping(stop_at))
            begun = folder.exists()
            stopped = invoke("survey", *([folder] if begun else [surveyed, "--out", folder]))
        assert stopped.exit_code == 2
        assert f"continue with: auditor survey {folder}" in " ".join(stopped.stderr.split())
        assert not (folder / "cache" / "whole-model.json").exists()
    (folder / "screened" / "00001.parquet").write_bytes(b"half a file")
    resumed = invoke("survey", folder, "--json")
    assert resumed.exit_code == 0, resumed.output
    assert _files(folder) == _files(whole[0])
    assert json.loads(resumed.stdout) == whole[1]


def test_batches_change_nothing_that_is_counted(
    whole: tuple[Path, dict[str, object]], surveyed: Path, invoke: Invoke, tmp_path: Path
) -> None:
    text = surveyed.read_text().replace("batch_size = 16", "batch_size = 5")
    other = surveyed.with_name("survey-5.toml")
    other.write_text(text)
    assert invoke("survey", other, "--out", tmp_path / "survey").exit_code == 0
    for file in RunFolder(whole[0]).matching(("screened/*", "tried/*", "pastes/*")):
        one, same = (pq.read_table(folder / file).to_pandas() for folder in (whole[0], tmp_path / "survey"))
        odds = [table.pop("log_odds").to_numpy() for table in (one, same) if "log_odds" in table]
        assert one.equals(same)
        if odds:
            np.testing.assert_allclose(*odds, atol=1e-3)


def test_a_pair_in_the_file_is_said_not_to_be_read(surveyed: Path, own: World, invoke: Invoke, tmp_path: Path) -> None:
    with_pair = surveyed.with_name("survey-pair.toml")
    with_pair.write_text('source = "red pan"\ntarget = "blue wok"\n' + surveyed.read_text())
    result = invoke("survey", with_pair, "--out", tmp_path / "survey")
    assert result.exit_code == 0, result.output
    assert "source and target of" in result.stderr
    assert "pairs to look at" in result.stdout
    refused = invoke("run", "--resume", tmp_path / "survey")
    assert refused.exit_code == 2
    assert "is a survey and no audit" in " ".join(refused.stderr.split())
    both = surveyed.with_name("both.toml")
    both.write_text('source = "*"\ntarget = "*"\n' + surveyed.read_text())
    refused = invoke("run", both, "--out", tmp_path / "run")
    assert refused.exit_code == 2
    assert "is a survey and no audit" in " ".join(refused.stderr.split())
    assert not (tmp_path / "run").exists()


def test_the_report_is_one_page_that_fetches_nothing(whole: tuple[Path, dict[str, object]]) -> None:
    folder, told = whole
    page = (folder / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert not re.findall(r"<script|<link|https?://|src=\"(?!data:)", page)
    assert page.count("<g><title>") == len(told["pairs"])
    assert page.count('class="sure"') == sum(pair["confirmed"] for pair in told["pairs"])
    assert told["headline"] in page
    for pair in told["pairs"][:4]:
        assert f"{pair['measured']['flips']}/{pair['measured']['eligible']}" in page
    shown = RunFolder(folder).matching(("pictures/crop-*", "pictures/pasted-*"))
    assert {f"pictures/crop-{one['crop']}.png" for one in told["features"]} <= set(shown)
    assert sum("pasted-" in file for file in shown) == sum(pair["measured"]["flips"] > 0 for pair in told["pairs"][:12])
    assert json.loads((folder / "survey.json").read_text()) == told


def test_what_is_ahead_is_counted_and_nothing_is_made(
    surveyed: Path, whole: tuple[Path, dict[str, object]], invoke: Invoke
) -> None:
    before = sorted(surveyed.parent.iterdir())
    result = invoke("survey", surveyed, "--dry-run")
    assert result.exit_code == 0, result.output
    passes = int(re.search(r"at most ([\d,]+) passes", result.stdout)[1].replace(",", ""))  # type: ignore[index]
    assert whole[1]["passes"] <= passes < 2 * whole[1]["passes"]
    assert sorted(surveyed.parent.iterdir()) == before


def test_the_pairs_that_lead_are_audited_once(
    whole: tuple[Path, dict[str, object]], invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "survey"
    shutil.copytree(whole[0], folder)
    result = invoke("survey", folder, "--audit-top", "1", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    first, (audit,) = told["pairs"][0], told["audits"]
    assert (audit["source"], audit["target"], audit["verdict"]) == (first["source"], "blue wok", "fail")
    assert audit["sentence"].startswith("FAIL: ")
    page = (folder / "report.html").read_text()
    assert f'href="{audit["folder"]}/report.html"' in page
    assert (folder / audit["folder"] / "report.html").is_file()
    assert "a survey of all pairs" in (folder / audit["folder"] / "checklist.md").read_text()
    listed = json.loads(invoke("list", tmp_path, "--json").stdout)["runs"]
    assert [(run["source"], run["target"], run["verdict"]) for run in listed] == [(first["source"], "blue wok", "fail")]
    assert "holds a survey of the whole model" in " ".join(invoke("report", folder).stderr.split())
    written = (folder / audit["folder"] / "findings.json").stat().st_mtime_ns
    asked: list[ComputeConfig] = []

    @contextmanager
    def here(config: AuditConfig, progress: Progress) -> Iterator[Here]:
        asked.append(config.compute)
        yield Here()

    for begins in ("auditor.run.survey.survey", "auditor.run.audit"):
        monkeypatch.setattr(f"{begins}.engine_of", here)
    sharing = ("--workers", "2", "--engine", "ray", "--address", "head:6379")
    again = invoke("survey", folder, "--audit-top", "1", *sharing, "--json")
    assert json.loads(again.stdout) == told
    # of the survey, and of the audit
    assert [(one.workers, one.engine, one.address) for one in asked] == [(2, "ray", "head:6379")] * 2
    assert (folder / audit["folder"] / "findings.json").stat().st_mtime_ns == written
    # everything else is what it was, and a survey that is shown again keeps its audits
    assert {name: value for name, value in told.items() if name != "audits"} == {
        name: value for name, value in whole[1].items() if name != "audits"
    }
    assert "blue wok: FAIL: " in invoke("survey", folder).stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("weights.safetensors", "gone.safetensors"), "gone.safetensors"),
        (('layer = "features.3"', 'layers = ["features.3", "features.1"]'), "screens crops at one layer"),
        (("crops = 180", "crops = 0"), "survey.crops"),
        (("crops = 180", "crop = 180"), "did you mean 'crops'"),
        (('all = "photos"', 'all = "few"'), "a survey needs at least 3 classes"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    surveyed: Path, own: World, invoke: Invoke, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    few = own.folder / "few"
    if "few" in change[1] and not few.exists():
        for label, count in (("red pan", 20), ("blue wok", 20), ("pink cup", 1)):
            (few / label).mkdir(parents=True)
            for picture in sorted((own.folder / "photos" / label).iterdir())[:count]:
                shutil.copy(picture, few / label)
    assert change[0] in surveyed.read_text()
    path = surveyed.with_name("wrong.toml")
    text = surveyed.read_text().replace(*change)
    path.write_text(text)
    result = invoke("survey", path, "--out", tmp_path / "survey")
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert not (tmp_path / "survey" / "crops.parquet").exists()


def test_a_run_of_a_pair_is_no_survey(finished: tuple[Path, Result], invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("survey", finished[0])
    assert result.exit_code == 2
    assert "holds an audit of a pair" in " ".join(result.stderr.split())
    assert invoke("survey", tmp_path / "nowhere.toml").exit_code == 2


@pytest.fixture(scope="module")
def together(
    surveyed: Path, invoke: Invoke, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, object]]:
    """The same world with the pictures of all classes as one source: 30 confirmation pictures, five of each class."""
    path = surveyed.with_name("together.toml")
    sizes = "screening_pictures = 2\ntried = 2\nselection_pictures = 6\npictures = 12"
    wanted = "together = true\nscreening_pictures = 12\ntried = 2\nselection_pictures = 12\npictures = 30"
    assert sizes in surveyed.read_text()
    path.write_text(surveyed.read_text().replace(sizes, wanted))
    return _finished(invoke, path, tmp_path_factory.mktemp("together") / "survey")


def test_pictures_of_all_classes_are_one_source(together: tuple[Path, dict[str, object]]) -> None:
    """Each class is asked for once, by pictures of all others; yellow spots turn whatever there is into blue woks."""
    folder, told = together
    assert (told["possible"], told["tried"], told["together"], told["features"]) == (6, 6, True, [])
    assert {pair["source"] for pair in told["pairs"]} == {"every class"}
    assert {pair["target"] for pair in told["pairs"]} == set(CLASSES)
    first = told["pairs"][0]
    assert (first["target"], first["confirmed"]) == ("blue wok", True)
    assert (first["measured"]["flips"], first["measured"]["tier"]) == (25, "third_class")
    assert first["measured"]["rank"] == 1  # its own picture, a green kettle with yellow spots, is called a wok as well
    assert {1 <= pair["measured"]["rank"] <= 6 for pair in told["pairs"]} == {True}
    assert "blue wok leads" in told["headline"]
    images = pq.read_table(folder / "images.parquet").to_pandas().set_index("key")
    pastes = pq.ParquetDataset([str(path) for path in sorted((folder / "pastes").iterdir())]).read().to_pandas()
    pastes["shown"] = images.loc[pastes["image"], "label"].to_numpy()
    assert pastes[pastes["crop"] < 0]["shown"].value_counts().nunique() == 1  # as many pictures of each class
    names = [one["name"] for one in told["classes"]]
    halves = sorted(images.loc[images["split"] == "discovery", "label"].unique())
    draws = pastes[pastes["control"] == "source crop"]["draw"].nunique() // 2
    for pair in told["pairs"]:
        target = names.index(pair["target"])
        asked = pastes[(pastes["shown"] != target)].assign(flip=lambda rows, target=target: rows["called"] == target)
        own = asked[asked["crop"] == int(pair["measured"]["crop"].removeprefix("w-"))]
        assert (int(own["flip"].sum()), len(own)) == (pair["measured"]["flips"], pair["measured"]["eligible"])
        in_first = target in halves[0::2]
        fair = (asked["control"] != "source crop") | ((asked["draw"] >= draws) == in_first)
        rates = asked[(asked["crop"] < 0) & fair].groupby("control")["flip"].mean()
        assert rates.max() == pytest.approx(pair["covering"])
    by_name = {one["name"]: one for one in told["classes"]}
    assert max(by_name, key=lambda name: by_name[name]["reached_cropped"]) == "blue wok"
    assert {one["left_cropped"] for one in told["classes"]} == {None}
    page = (folder / "report.html").read_text()
    assert page.count('class="flips') == 6
    assert 'class="flips sure"' in page
    assert "every class → blue wok" in page
    assert "the model calls that picture itself blue wok" in page


def test_a_class_that_everything_becomes_is_audited_from_every_class(
    together: tuple[Path, dict[str, object]], invoke: Invoke, tmp_path: Path
) -> None:
    folder = tmp_path / "survey"
    shutil.copytree(together[0], folder)
    result = invoke("survey", folder, "--audit-top", "1", "--json")
    assert result.exit_code == 0, result.output
    (audit,) = json.loads(result.stdout)["audits"]
    assert (audit["source"], audit["target"], audit["verdict"]) == ("every class", "blue wok", "fail")
    findings = json.loads((folder / audit["folder"] / "findings.json").read_text())
    assert findings["source"]["name"] == "every class but blue wok"
    (look, *_) = [json.loads(line) for line in (folder / "audits" / "looks.jsonl").read_text().splitlines()]
    images = pq.read_table(folder / "images.parquet").to_pandas().set_index("key")
    assert set(images.loc[look["pictures"], "split"]) == {"confirmation"}
    assert len(look["pictures"]) == 25
    assert set(look["source"]) == set(range(len(CLASSES))) - set(look["target"])
