"""The file that `auditor init` writes: every setting once, at its default, and readable."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from auditor.cli.starting_file import COMMENT_COLUMN, WIDTH, starting_file, table_lines
from auditor.core.config import AuditConfig, read_config
from auditor.core.section import Example
from auditor.core.settings_text import Setting, Table, all_settings

LINES = starting_file().splitlines()
KEY = re.compile(r"^(# )?([a-z_0-9]+) = ")
FILLED = [
    *("source", "target", "model.name", "model.weights"),
    *("preprocessing.resize", "preprocessing.crop", "classes.names", "images.all"),
]


def settings_of(lines: list[str]) -> dict[str, str]:
    """The line of every setting, by its dotted key."""
    found, table = {}, ""
    for line in lines:
        if line.startswith("["):
            table = f"{line[1 : line.index(']')]}."
        elif named := KEY.match(line):
            found[table + named[2]] = line
    return found


def switched_on(*, examples: bool) -> str:
    """The file with what is commented out in force: all defaults, or the examples too where they go together."""
    instead = ("# discovery =", "# selection =", "# confirmation =", "# layers =")
    return "\n".join(
        line.removeprefix("# ")
        if KEY.match(line) and not line.startswith(instead) and (examples or "# (example)" not in line)
        else line
        for line in LINES
    )


def written(folder: Path, text: str) -> AuditConfig:
    path = folder / "audit.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def test_every_setting_stands_there_once() -> None:
    assert list(settings_of(LINES)) == [setting.key for setting in all_settings()]
    assert sum(bool(KEY.match(line)) for line in LINES) == len(all_settings())


def test_what_is_filled_in_is_a_valid_audit(tmp_path: Path) -> None:
    config = written(tmp_path, starting_file())
    filled = [key for key, line in settings_of(LINES).items() if not line.startswith("#")]
    assert filled == FILLED
    assert (config.source, config.target, config.model.name) == ("frying pan", "wok", "mobilenet_v2")
    assert (config.model.weights, config.classes.names, config.images.all) == (
        "model.safetensors",
        "classes.csv",
        "photos",
    )


def test_every_commented_line_is_a_default(tmp_path: Path) -> None:
    text = switched_on(examples=False)
    assert text.count("\n# ") < starting_file().count("\n# ") / 2
    assert written(tmp_path, text) == written(tmp_path, starting_file())


def test_every_default_is_shown() -> None:
    """Each line without an example holds the default of the model itself."""
    shown = tomllib.loads(switched_on(examples=False))
    for setting in all_settings():
        line = settings_of(LINES)[setting.key]
        if setting.example is None:
            assert "(example)" not in line
            values, section = shown, AuditConfig
            for key in setting.keys[:-1]:
                values, section = values[key], _section(section, key)
            default = section.model_fields[setting.keys[-1]].default
            assert values[setting.keys[-1]] == (list(default) if isinstance(default, tuple) else default)


def _section(section: type[BaseModel], key: str) -> type[BaseModel]:
    kind = section.model_fields[key].annotation
    kinds = (kind, *getattr(kind, "__args__", ()))
    return next(one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel))


def test_every_example_is_valid(tmp_path: Path) -> None:
    config = written(tmp_path, switched_on(examples=True))
    assert config.classes.folders == {"pans": "frying pan"}
    assert config.images.max_per_class == 500
    own = "\n".join(
        line.removeprefix("# ")
        if line.startswith(("# discovery", "# selection", "# confirmation", "# layers"))
        else line
        for line in LINES
        if not line.startswith("all = ")
    )
    config = written(tmp_path, own)
    assert config.images.selection == "validation"
    assert config.model.layers == ("features.13", "features.10")


def test_it_is_neatly_set() -> None:
    assert max(map(len, LINES)) <= WIDTH
    assert [line for line in LINES if line != line.rstrip()] == []
    assert not any(one == other == "" for one, other in itertools.pairwise(LINES))
    assert {
        line.index("# ", 2) for line in LINES if KEY.match(line) and len(line.split("  ")[0]) < COMMENT_COLUMN - 1
    } == {COMMENT_COLUMN}


def setting(name: str, description: str, default: object, example: Example | None = None, heading: str = "") -> Setting:
    return Setting(("oven", name), description, "", default, example, heading, None)


def test_the_lines_of_a_table() -> None:
    table = Table(
        "oven",
        "How the `dough` is baked.",
        (
            setting("degrees", "of the whole oven, and `grill` of its ceiling; " + "hotter " * 12, 180),
            setting("rack", "left out: the middle one", None, Example(2), heading="Below the `grill`:"),
            setting("shelves", "which are in", (), Example(["low", "high"], filled=True)),
            setting("a_long_name_of_a_thing", "told farther to the right", "as long as this"),
        ),
    )
    assert list(table_lines(table)) == [
        "[oven]                            # How the dough is baked.",
        "# degrees = 180                   # of the whole oven, and grill of its ceiling; hotter hotter hotter hotter",
        "                                  # hotter hotter hotter hotter hotter hotter hotter hotter",
        "# Below the grill:",
        "# rack = 2                        # (example) left out: the middle one",
        'shelves = ["low", "high"]         # which are in',
        '# a_long_name_of_a_thing = "as long as this"  # told farther to the right',
    ]


def test_init_writes_it_and_leaves_what_is_there(invoke, tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    assert invoke("init", path).exit_code == 0
    assert path.read_text(encoding="utf-8") == starting_file()
    again = invoke("init", path)
    assert again.exit_code == 2
    assert f"{path} already exists" in again.stderr


@pytest.mark.parametrize("heading", ["# ... or your own splits in place of all:", "# In either case:"])
def test_headings_stand_above_what_they_head(heading: str) -> None:
    below = LINES[LINES.index(heading) + 1]
    assert below.startswith("# discovery" if "own splits" in heading else "# shares")
