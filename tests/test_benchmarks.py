"""Every benchmark can be imported as the code stands, and those that are started say how."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from auditor.atlas.attribution import attribution_all_classes
from auditor.core.config import read_config
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.cut import LayerCut
from auditor.inputs.model.features import Features
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.run.folder import RunFolder
from benchmarks.candidates import before_after
from benchmarks.run import torture, whole_run

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "benchmarks").rglob("*.py")
    if path.name != "__init__.py"
)
STARTED = [name for name in MODULES if "\ndef main(" in (ROOT / (name.replace(".", "/") + ".py")).read_text()]


def test_there_are_benchmarks() -> None:
    assert {"benchmarks.run.whole_run", "benchmarks.run.torture"} <= set(STARTED)
    assert set(MODULES) - set(STARTED) == {
        "benchmarks.networks",
        *(f"benchmarks.candidates.{part}" for part in ("pages", "pair_numbers", "pairs", "rungs", "sources")),
        *(f"benchmarks.models.{part}" for part in ("pages", "passage", "random_weights", "rows")),
        *(
            f"benchmarks.statistics.{part}"
            for part in ("other_tables", "simulated_audits", "vectorised", "verdict_tables")
        ),
        *(
            f"benchmarks.worlds.{part}"
            for part in ("cut_outs", "fine_tuned", "photograph_audits", "photograph_board", "plants", "stickers")
        ),
    }


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_can_be_imported(name: str) -> None:
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize("name", STARTED)
def test_a_benchmark_says_how_it_is_started(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(name).main()
    assert ended.value.code == 0
    assert f"python -m {name}" in capsys.readouterr().out


def test_every_command_in_the_documentation_names_a_benchmark() -> None:
    named: set[str] = set()
    for page in (ROOT / "README.md", ROOT / "Makefile", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        named |= set(re.findall(r"-m (benchmarks[.\w]+)", text))
        assert not re.findall(r"benchmarks/\w+\.py", text), f"{page.name} names a benchmark by its file"
    assert named <= set(STARTED)
    assert len(named) >= 5


def test_the_whole_run_notes_every_pass_and_how_it_was_made(tmp_path: Path) -> None:
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), *pooled)
    preprocessing = Preprocessing((8, 8), None, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    classifier = Classifier(network, ClassNames(("a", "b"), ((), ())), preprocessing, torch.device("cpu"))
    cut, images = LayerCut(classifier, "1"), torch.rand(2, 3, 8, 8)
    folder, before = RunFolder.create(tmp_path / "run"), Classifier.run
    with whole_run.recording() as recorder:
        with torch.no_grad():
            features = cut.features(images)
        attribution_all_classes(cut, features, torch.tensor([1, 2]), torch.tensor([3, 4]))
        folder.mark_done("atlas", {})
        leaf = features.grid.clone().requires_grad_(True)
        torch.autograd.grad(cut.logits(Features(leaf.clone(), features.beside)).sum(), leaf)
        for _ in range(3):
            classifier.logits(images[:1])
        folder.mark_done("trials", {})
    assert Classifier.run is before
    made = {stage: dict(noted.passes) for stage, noted in recorder.stages.items()}
    kind = whole_run.Pass
    assert made == {
        "atlas": {
            kind("head", "", (2, 3, 8, 8), False): 1,
            kind("tail", "forward mode", (2, 4, 8, 8), True): 1,
        },
        "trials": {
            kind("tail", "gradient", (2, 4, 8, 8), True): 1,
            kind("whole", "", (1, 3, 8, 8), False): 3,
        },
        whole_run.END: {},
    }
    costs = whole_run.replay(recorder.cut, recorder.stages["trials"].passes)
    assert all(cost.clock > 0 for cost in costs.values())
    assert "| trials |" in whole_run.table(
        recorder, {**costs, **dict.fromkeys(made["atlas"], whole_run.Cost(0.1, 0.2))}
    )


def test_torture_kills_goes_on_and_notices_other_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a stand-in for the audit, which writes its pieces one by one, and other findings when it goes on."""
    begun: set[Path] = set()

    def started(config: Path, run: Path) -> subprocess.Popen[bytes]:
        findings = "other" if config.name == "faulty" and run in begun else "right"
        begun.add(run)
        code = (
            "import json, pathlib, sys, time; run = pathlib.Path(sys.argv[1]); run.mkdir(parents=True, exist_ok=True)\n"
            "for piece in ('images', 'trials'):\n"
            "    (run / 'manifest.json').write_text(json.dumps({'stages': {piece: 0}})); time.sleep(0.1)\n"
            "(run / 'findings.json').write_text(sys.argv[2])"
        )
        return subprocess.Popen([sys.executable, "-S", "-c", code, run, findings], start_new_session=True)

    monkeypatch.setattr(torture, "started", started)
    for kind, same in (("sound", True), ("faulty", False)):
        monkeypatch.setattr(torture, "written", lambda folder, workers, engine, kind=kind: folder / kind)
        kills, ended, length = torture.torture(tmp_path / kind, 2, 0, 1)
        assert len(kills) == 2
        assert length > 0.2
        assert all(ended) == same
        assert all(0 <= kill.seconds <= length for kill in kills)
    assert "before the first stage" in torture.Kill(0, 1.0, ()).where
    lines = torture.table([torture.Kill(0, 1.25, ("images", "clean"))], [True, False]).splitlines()
    assert lines[2:] == ["| 1 | 1.2 s, after clean | the same bytes |", "| 2 | finished before | OTHER |"]


def test_the_audit_that_is_tortured_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torture, "COUNTS", {"wok": 1})
    config = read_config(torture.written(tmp_path, 2, "ray"))
    assert (config.compute.engine, config.compute.address) == ("ray", "")
    assert (config.compute.workers, config.candidates.confirmed, config.atlas.levels) == (2, 3, (4, 6))
    assert config.target == "wok"


def test_two_searches_are_compared_pair_by_pair() -> None:
    before, after = before_after.Search(0.2, 0.1, 0.3, 0.1), before_after.Search(0.5, 0.2, 0.3, 0.2)
    pairs = [(("a", "b"), before, after), (("b", "a"), before, before)]
    lines = before_after.compared(pairs).splitlines()
    assert lines[2] == "| a → b | 20.0 → 50.0 | 10.0 → 20.0 | 30.0 → 30.0 | 20.0 → 10.0 |"
    # by hand: the mean of 30 and 0 is 15, its spread 21.2 / √2 = 15, times t = 12.71 of one degree of freedom
    assert lines[4].startswith(
        "| mean change over 2 pairs (95% t) | **+15.0** (-175.6 to +205.6), more on 1 | **+5.0**"
    )
