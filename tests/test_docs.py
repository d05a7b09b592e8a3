"""The documentation says what the code does: every setting, column, file and exit code, and the worked example."""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import get_args

import numpy as np
import pytest
from pydantic import BaseModel
from typer.main import get_command
from typer.testing import Result

import auditor
from auditor.atlas.embedding import METHODS
from auditor.candidates.controls import CONTROLS
from auditor.candidates.makers import MAKERS
from auditor.candidates.whole_pictures import FRAME_KIND, KINDS, SURROUNDINGS_KIND, count_of_kinds
from auditor.cli import FAILED, INCONCLUSIVE, NOT_MADE, PASSED, app
from auditor.core.config import AuditConfig, build_config
from auditor.core.records import BACKGROUND, Candidate, Cell, ImageRecord, Origin, Placement, Role, Split
from auditor.core.records.candidates import OWN_PLACE, PLAIN_CROPS
from auditor.core.records.trials import Draws, TrialBlock, TrialName
from auditor.core.section import LARGEST_NUMBER, LONGEST_TEXT, Moved
from auditor.core.settings.trials import PLACEMENTS
from auditor.inputs.images.sources import SOURCES
from auditor.inputs.model.sources.factory import build_from_factory
from auditor.report import FORMATS
from auditor.report.exports import EXPORTS
from auditor.run.pipeline import STAGES
from auditor.statistics.covering import p_uplift_at_least, p_uplift_at_most
from auditor.statistics.exact import p_at_least, p_at_most
from auditor.statistics.fragility import covering_rates
from auditor.statistics.intervals import wilson_interval
from auditor.statistics.looks import error_budget
from auditor.statistics.multiplicity import benjamini_hochberg
from auditor.statistics.paired import PairedCounts, mcnemar_exact
from auditor.statistics.planning import images_that_pass, images_that_settle
from auditor.statistics.procedure import decide, uplift_interval
from auditor.statistics.verdicts import judge
from auditor.trials.blocks import DRAW_COLUMNS, trials_table
from auditor.trials.effects import FURTHER_COLUMNS
from tools.docs.notebook import NOTEBOOK, executed
from tools.docs.settings import BLOCKS, with_block

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "reports" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
YOUR_MODEL = (ROOT / "docs" / "your-model.md").read_text(encoding="utf-8")
CANDIDATES = (ROOT / "docs" / "candidates.md").read_text(encoding="utf-8")
CLI = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
NUMBERS = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def settings(section: type[BaseModel], prefix: str = "") -> dict[str, object]:
    """Every key of the configuration with its default; keys without one have None."""
    found: dict[str, object] = {}
    for name, field in section.model_fields.items():
        if name == "base" or any(isinstance(mark, Moved) for mark in field.metadata):
            continue
        kinds = (field.annotation, *get_args(field.annotation))
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if inner is not None:
            found |= settings(inner, f"{prefix}{name}.")
        else:
            default = None if field.is_required() else field.get_default(call_default_factory=True)
            found[prefix + name] = list(default) if isinstance(default, tuple) else default
    return found


def table_rows(text: str) -> list[list[str]]:
    """Cells of all Markdown table rows."""
    return [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if line.startswith("|")
    ]


def section_of(text: str, heading: str) -> str:
    """From a heading to the next of its rank or a higher one."""
    level = len(heading) - len(heading.lstrip("#"))
    rest = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def blocks(text: str, language: str) -> list[str]:
    """The fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def test_every_setting_is_explained_with_its_default() -> None:
    rows = {cells[0].strip("`"): cells for cells in table_rows(section_of(YOUR_MODEL, "## 16. All keys"))}
    for key, default in settings(AuditConfig).items():
        assert key in rows, f"docs/your-model.md does not explain {key}"
        written = rows[key][-1].strip("`")
        shown = None if written == "—" else tomllib.loads(f"value = {written}")["value"]
        assert shown == default, f"docs/your-model.md gives {key} the default {written}"


@pytest.mark.parametrize("page", BLOCKS)
def test_the_blocks_of_settings_are_the_declared_ones(page: str) -> None:
    """What `python tools/docs/settings.py` would write stands there already."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert with_block(text, BLOCKS[page]()) == text, f"{page} is behind; run: python tools/docs/settings.py"


def test_a_block_is_replaced_and_nothing_else() -> None:
    page = "one\n<!-- written by tools/docs/settings.py -->\n\n| old \\1 |\n\n<!-- end -->\ntwo\n"
    assert with_block(page, "| new \\2 |\n") == page.replace("old \\1", "new \\2")
    for pages in ("nothing", page + page):
        with pytest.raises(ValueError, match="expected one block"):
            with_block(pages, "")


def test_the_largest_number_and_the_longest_text_are_named() -> None:
    section = " ".join(section_of(YOUR_MODEL, "## 16. All keys").split())
    assert f"Numbers are at most {LARGEST_NUMBER}, texts at most {LONGEST_TEXT} characters." in section


def test_no_setting_is_explained_that_is_not_there() -> None:
    explained = {cells[0].strip("`") for cells in table_rows(section_of(YOUR_MODEL, "## 16. All keys"))}
    assert explained - {"key", "---"} == set(settings(AuditConfig))


def test_every_file_of_a_run_is_explained() -> None:
    explained = section_of(YOUR_MODEL, "## 10. Read what is left behind")
    written = [file.partition("*")[0] for stage in STAGES for file in stage.files]
    made = [file for file in written if not file.startswith("cache/")]
    for file in ["manifest.json", "reviews.json", "cache", *made, *(form.file_name for form in FORMATS.values())]:
        assert f"`{file}" in explained, f"docs/your-model.md does not explain {file}"


@pytest.mark.parametrize(
    ("heading", "columns"),
    [
        ("### Columns of cells.parquet", ["name", *(field.name for field in dataclasses.fields(Cell))]),
        ("### Columns of candidates.parquet", [field.name for field in dataclasses.fields(Candidate)]),
        ("## 10. Read what is left behind", [*(field.name for field in dataclasses.fields(ImageRecord)), "label_name"]),
    ],
)
def test_every_column_is_explained(heading: str, columns: list[str]) -> None:
    explained = section_of(YOUR_MODEL, heading)
    missing = [column for column in columns if f"`{column}`" not in explained]
    assert not missing, f"docs/your-model.md does not explain {missing} under {heading!r}"


def test_the_columns_of_trials_are_the_explained_ones() -> None:
    draws = Draws.of({name: np.zeros(1) for name in (*DRAW_COLUMNS, *FURTHER_COLUMNS)})
    zero, probability = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.float32)
    block = TrialBlock(
        ("k",), ("fixed",), (draws,), zero, zero[None], probability, probability[None],
        np.zeros((1, 1), dtype=np.bool_), zero, zero[None],
    )  # fmt: skip
    table = trials_table(TrialName(Split.CONFIRMATION, "c-001", "", Placement.FIXED), block, ["pan"])
    rows = table_rows(section_of(YOUR_MODEL, "### Columns of trials.parquet"))
    explained = [name for cells in rows for name in re.findall(r"`(\w+)`", cells[0])]
    assert explained == table.column_names


def test_the_pictures_needed_are_the_computed_ones() -> None:
    rows = [cells for cells in table_rows(section_of(YOUR_MODEL, "## 2. How many pictures")) if cells[0][0].isdigit()]
    assert len(rows) >= 5
    for limit, confidence, needed in rows:
        assert images_that_pass(error_budget(float(confidence.rstrip("%")) / 100).passing, float(limit)) == int(needed)
    limits = AuditConfig.model_fields["limits"].default
    assert (
        f"takes {images_that_pass(error_budget(limits.confidence).passing, limits.uplift)} eligible pictures" in README
    )


def test_every_way_of_making_candidates_is_explained() -> None:
    made = [[f"`{one.letter}-…`", one.origin, one.words, f"`candidates.{key}`"] for key, one in MAKERS.items()]
    keys = {Role.SUGGESTED: "tried", Role.RANDOM: "random", Role.STRONGEST_CONTRAST: "strongest"}
    plain = [[f"`{letter}-…`", Origin.CROP, f"`candidates.{keys[role]}`"] for role, letter in PLAIN_CROPS.items()]
    plain.insert(1, [f"`{OWN_PLACE}-…`", Origin.CROP, "`candidates.own_places`"])
    rows = table_rows(section_of(CANDIDATES, "## Where candidates come from"))
    explained = [row for row in rows if row[0].endswith("-…`")]
    assert [row for row in explained if row[0] not in {letter for letter, *_ in plain}] == made
    assert [[row[0], row[1], row[3]] for row in explained if row not in made] == plain
    assert all(origin.words for origin in Origin)


def test_every_placement_is_explained() -> None:
    (row,) = [cells for cells in table_rows(YOUR_MODEL) if cells[0] == "`trials.placements`"]
    assert [placement for placement in PLACEMENTS if f"`{placement}`" not in row[1]] == []
    (row,) = [cells for cells in table_rows(CLI) if cells[0] == "`--placements`"]
    assert [placement for placement in PLACEMENTS if f"`{placement}`" not in row[1]] == []


def test_every_format_is_offered_and_explained() -> None:
    (row,) = [cells for cells in table_rows(CLI) if cells[0] == "`--format`"]
    offered = [*FORMATS, *EXPORTS]
    assert re.findall(r"`([\w-]+)`", row[1]) == offered
    (option,) = [one for one in get_command(app).commands["report"].params if one.name == "form"]  # type: ignore[attr-defined]
    assert option.help.endswith(f": {', '.join(offered)}")  # type: ignore[attr-defined]
    explained = section_of(YOUR_MODEL, "## 10. Read what is left behind")
    assert [form for form in FORMATS.values() if f"`{form.file_name}`" not in explained] == []


def test_every_source_of_pictures_is_explained() -> None:
    section = section_of(YOUR_MODEL, "## 6. Pictures and splits")
    assert [source.kind for source in SOURCES if not re.search(rf"\b{source.kind}\b", section)] == []


def test_every_layout_is_explained() -> None:
    (row,) = [cells for cells in table_rows(YOUR_MODEL) if cells[0] == "`atlas.layout`"]
    assert re.findall(r"`(\w+)`", row[1]) == list(METHODS)


def test_every_control_is_explained() -> None:
    explained = [cells[0] for cells in table_rows(section_of(NUMBERS, "## Controls"))]
    assert explained[2:] == list(CONTROLS)


def test_the_stages_of_the_design_are_the_declared_ones() -> None:
    rows = [cells for cells in table_rows(section_of(DESIGN, "### Stages")) if cells[0].startswith("`")]
    quoted = [tuple(re.findall(r"`([^`]+)`", cell) for cell in cells[:3]) for cells in rows]
    assert quoted == [([one.name], [need.name for need in one.needs], list(one.files)) for one in STAGES]


def test_the_tables_that_grow_are_where_the_design_says() -> None:
    rows = table_rows(section_of(DESIGN, "### Tables for what will grow"))[2:]
    named = [cells[1].strip("`") for cells in rows]
    assert len(named) == 13
    for name in named:
        module, _, table = name.rpartition(".")
        assert hasattr(importlib.import_module(f"auditor.{module}"), table), name


def test_what_a_change_touches_adds_up() -> None:
    section = section_of(DESIGN, "### What a change touches")
    rows = table_rows(section)[2:]
    assert len(rows) == 10
    for change, _, count, files in rows:
        named = re.findall(r"`([^`]+)`", files)
        assert len(named) + files.startswith("a new file") == int(count), change
        assert [file for file in named if not (ROOT / "auditor" / file).is_file()] == []
    assert f"The mean is {sum(int(count) for _, _, count, _ in rows) / len(rows):.1f}." in section


@pytest.mark.parametrize("text", [README, YOUR_MODEL], ids=["README", "your-model"])
def test_the_exit_codes_are_the_documented_ones(text: str) -> None:
    rows = {cells[0]: cells[1] for cells in table_rows(text) if cells[0].isdecimal() and len(cells) == 2}
    assert [int(code) for code in rows] == [PASSED, FAILED, NOT_MADE, INCONCLUSIVE]
    for code, word in (
        (PASSED, "passes"),
        (FAILED, "fails"),
        (NOT_MADE, "not be made"),
        (INCONCLUSIVE, "inconclusive"),
    ):
        assert word in rows[str(code)]


def test_the_readme_is_short_and_shows_a_report_first() -> None:
    assert len([word for word in README.split() if re.search(r"\w", word)]) <= 1200
    assert "](docs/images/report.png)" in README.split("\n## ")[0]


def test_every_command_is_in_the_readme() -> None:
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    names += [group.name for group in app.registered_groups]
    listed = [cells[0] for cells in table_rows(section_of(README, "## Commands"))]
    assert {f"`auditor {name}`" for name in names} == {cell for cell in listed if cell.startswith("`auditor")}


@pytest.mark.parametrize("text", [README, YOUR_MODEL], ids=["README", "your-model"])
def test_the_toml_examples_are_valid(text: str, tmp_path: Path) -> None:
    examples = blocks(text, "toml")
    assert examples
    for example in examples:
        values = tomllib.loads(example)
        whole = {"source": "a", "target": "b", "model": {"name": "resnet18"}, "images": {"all": "photos"}, **values}
        build_config(whole, tmp_path)


def test_the_factory_example_builds_a_network(tmp_path: Path) -> None:
    import torch

    (example,) = [block for block in blocks(YOUR_MODEL, "python") if block.startswith("# model.py")]
    (tmp_path / "model.py").write_text(example, encoding="utf-8")
    network = build_from_factory("model.py:build", 7, tmp_path)
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 7)
    assert "body" in dict(network.named_modules())


def test_the_factory_for_ultralytics_answers_with_logits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its class is stood for by one that answers as theirs does in eval mode: probabilities and logits."""
    import torch

    class ClassificationModel(torch.nn.Module):
        def __init__(self, cfg: str, nc: int, verbose: bool) -> None:
            super().__init__()
            self.model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, nc))

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            logits = self.model(x)
            return logits.softmax(1), logits

    tasks = ModuleType("ultralytics.nn.tasks")
    tasks.ClassificationModel = ClassificationModel  # type: ignore[attr-defined]
    for name, module in {
        "ultralytics": ModuleType("a"),
        "ultralytics.nn": ModuleType("b"),
        tasks.__name__: tasks,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    (example,) = [block for block in blocks(YOUR_MODEL, "python") if block.startswith("# yolo.py")]
    (tmp_path / "yolo.py").write_text(example, encoding="utf-8")
    network = build_from_factory("yolo.py:build", 5, tmp_path)
    pictures = torch.rand(2, 3, 2, 2)
    torch.testing.assert_close(network(pictures), network.model(pictures))
    assert network(pictures).shape == (2, 5)


def test_the_notebook_runs(finished: tuple[Path, Result]) -> None:
    """Its cells count findings and uplifts again from the pastes, and stop where they differ."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = executed(notebook["cells"], {"run_folder": finished[0]})
    answered = [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]
    assert [bool(outputs) for outputs in answered] == [False] + [True] * (len(answered) - 1)
    assert answered[1][0]["text"][0] == f"{auditor.open_run(finished[0]).verdict}\n"


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = link.partition("#")
        if ":" in file:
            continue
        target = (page.parent / file).resolve() if file else page
        if target == ROOT / "docs" / "cli.md" and not target.exists():
            continue
        assert target.exists(), f"{page.name} links to {link}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, f"{page.name} links to {link}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def outcomes(both: int, first_only: int, second_only: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Boolean outcomes of a candidate and a control, pictures that the candidate flips first."""
    first = np.repeat([True, True, False, False], [both, first_only, second_only, neither])
    second = np.repeat([True, False, True, False], [both, first_only, second_only, neither])
    return first, second


def test_the_worked_example_is_what_the_code_computes() -> None:
    noise, grey = PairedCounts(3, 9, 1, 27), PairedCounts(2, 10, 0, 28)
    tables = [noise, grey]
    rate = wilson_interval(12, 40, 0.95)
    budget = error_budget(0.95)
    p_above, p_below = p_uplift_at_most(tables, 0.1), p_uplift_at_least(tables, 0.1)
    _, decision, _ = decide([0.004, p_above, 0.5], [1.0, p_below, 0.3], budget)
    bounds = uplift_interval(tables, decision.level_above, decision.level_below, 0.1)
    draws = {"noise": [outcomes(3, 9, 1, 27)[1]], "grey": [outcomes(2, 10, 0, 28)[1]]}
    fragility = covering_rates(draws, budget.fragility, budget.passing)[0]
    expected = {
        "flips": "12",
        "rate": f"{12 / 40:.1%}",
        "rate, lower bound": f"{rate.low:.1%}",
        "rate, upper bound": f"{rate.high:.1%}",
        "uplift over noise": f"{100 * noise.difference:+.1f}",
        "uplift over grey": f"{100 * grey.difference:+.1f}",
        "uplift": f"{100 * min(noise.difference, grey.difference):+.1f}",
        "p over noise": f"{p_at_most(noise, 0.1):.4f}",
        "p over grey": f"{p_at_most(grey, 0.1):.4f}",
        "p": f"{p_above:.4f}",
        "level it has to be below": f"{decision.level_above:.4f}",
        "adjusted p": f"{decision.adjusted_above:.4f}",
        "p of the other direction": f"{p_below:.4f}",
        "uplift, lower bound": f"{100 * bounds.low:+.1f}",
        "uplift, upper bound": f"{100 * bounds.high:+.1f}",
        "verdict": str(decision.verdict),
        "images needed": str(images_that_settle(tables, decision.level_above, budget.passing, 0.1)),
        "images needed at least": str(images_that_pass(budget.passing, 0.10)),
        "fragility": f"{fragility.rate:.1%}",
        "fragility, lower bound": f"{fragility.interval.low:.1%}",
        "fragility, upper bound": f"{fragility.interval.high:.1%}",
        "fragility verdict": str(judge(fragility.interval, 0.25)),
        "q": f"{benjamini_hochberg([0.004, mcnemar_exact(noise, 'greater'), 0.5])[1]:.4f}",
    }
    rows = {cells[0]: cells[-1] for cells in table_rows(section_of(NUMBERS, "## A worked example"))[2:]}
    assert rows == expected


def test_the_example_of_a_whole_picture_effect_is_what_the_code_computes() -> None:
    tables = [PairedCounts(0, 61, 0, 32), PairedCounts(3, 58, 1, 31), PairedCounts(1, 60, 1, 31)]
    budget = error_budget(0.95)
    free, held = (
        decide([p_uplift_at_most(tables, 0.1), 0.5, 0.6], [0.9, 0.01, 0.02], one)[0].level_above
        for one in (budget, dataclasses.replace(budget, fail=budget.fail / 2))
    )
    rows = {cells[0]: cells[-1] for cells in table_rows(section_of(NUMBERS, "## Whole-picture effects"))}
    assert rows["whole-picture uplift"] == f"{100 * tables[1].difference:+.1f}"
    assert rows["level of its lower bound"] == f"{free:.4f}"
    for row, level in (("whole-picture lower bound", free), ("held, its lower bound", held)):
        assert rows[row] == f"{100 * uplift_interval(tables, level, budget.passing, 0.1).low:+.1f}"


def test_the_kinds_of_whole_picture_effects_are_the_explained_ones() -> None:
    rows = [cells[0] for cells in table_rows(section_of(NUMBERS, "## Whole-picture effects"))]
    assert {*KINDS, FRAME_KIND, SURROUNDINGS_KIND, BACKGROUND} == set(rows[2 : 2 + count_of_kinds()])


def test_the_chance_of_a_table_that_is_never_flipped_is_the_one_on_the_page() -> None:
    needed = images_that_pass(0.045, 0.1)
    assert 0.9**needed < 0.045 <= 0.9 ** (needed - 1)
    assert p_at_least(PairedCounts(0, 0, 0, needed), 0.1) == pytest.approx(0.9**needed)
