"""Every benchmark can be imported as the code stands, and those that are started say how."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "benchmarks").rglob("*.py")
    if path.name != "__init__.py"
)
STARTED = [name for name in MODULES if "\ndef main(" in (ROOT / (name.replace(".", "/") + ".py")).read_text()]


def test_there_are_benchmarks() -> None:
    assert "benchmarks.run.whole_run" in STARTED
    assert set(MODULES) - set(STARTED) == {
        "benchmarks.networks",
        *(f"benchmarks.candidates.{part}" for part in ("pages", "pair_numbers", "pairs", "rungs")),
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
