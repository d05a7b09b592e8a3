"""The flags of `auditor run`: each sets the key it is declared for, and says what the setting's description says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import typer

from auditor.cli import app
from auditor.cli.flags import FLAGS, READERS, flag_values
from auditor.core.errors import ConfigError
from auditor.core.settings_text import all_settings

RUN: click.Command = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]


def test_each_flag_sets_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("")
    given = {
        "source": "frying pan",
        "target": "wok, lid",
        "model": "net.py:build",
        "weights": Path("w.pt"),
        "layer": "body",
        "classes": Path("names.csv"),
        "images": Path("photos"),
        "discovery": Path("a"),
        "confirmation": Path("/b"),
        "patches": Path("~/patches"),
        "device": "cpu",
        "seed": 0,
        "workers": 2,
    }
    assert flag_values(given) == {
        ("source",): "frying pan",
        ("target",): ["wok", "lid"],
        ("model", "name"): f"{tmp_path}/net.py:build",
        ("model", "weights"): f"{tmp_path}/w.pt",
        ("model", "layer"): "body",
        ("classes", "names"): f"{tmp_path}/names.csv",
        ("images", "all"): f"{tmp_path}/photos",
        ("images", "discovery"): f"{tmp_path}/a",
        ("images", "confirmation"): "/b",
        ("candidates", "patches"): f"{Path.home()}/patches",
        ("device",): "cpu",
        ("seed",): 0,
        ("compute", "workers"): 2,
    }
    assert {flag.name for flag in FLAGS.values()} >= {f"--{name}" for name in given}


def test_what_is_not_given_sets_nothing() -> None:
    assert flag_values({}) == {}
    assert flag_values(dict.fromkeys(("source", "seed", "images", "workers"))) == {}


@pytest.mark.parametrize(
    ("flag", "typed", "value"),
    [
        ("model", "resnet50", "resnet50"),
        ("model", "package.module:factory", "package.module:factory"),
        ("model", "gone.py:build", "gone.py:build"),
        ("model", "x" * 5000, "x" * 5000),
        ("weights", Path("default"), "default"),
        ("source", "*", "*"),
    ],
)
def test_names_stay_names(flag: str, typed: str | Path, value: str) -> None:
    assert list(flag_values({flag: typed}).values()) == [value]


def test_a_home_folder_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="there is no home folder for '~nobody-is-called-so/x'"):
        flag_values({"images": Path("~nobody-is-called-so/x")})


def test_the_options_are_the_declared_flags_in_their_order() -> None:
    offered = [parameter for parameter in RUN.params if parameter.opts[0].startswith("--")]
    names = [parameter.opts[0] for parameter in offered]
    own = ["--resume", "--more", "--both-directions", "--out", "--dry-run", "--fail-on"]
    assert names == [*own, *(flag.name for flag in FLAGS.values()), *names[len(FLAGS) + len(own) :]]
    assert names[len(FLAGS) + len(own) :] in (
        ["--json", "--quiet", "--verbose"],
        ["--json", "--quiet", "--verbose", "--help"],
    )
    assert not any(parameter.default for parameter in offered[: len(FLAGS) + len(own)])


def test_help_is_the_settings_description() -> None:
    helps = {parameter.opts[0]: getattr(parameter, "help", "") for parameter in RUN.params}
    for setting in all_settings():
        if setting.flag is not None:
            assert setting.description.replace("`", "") in helps[setting.flag.name]
    assert helps["--workers"] == "processes that share an audit's work, on one machine or as many as Ray has"
    assert helps["--discovery"] == "instead of --images: pictures that the atlas sees, of all classes"


def test_every_way_of_reading_is_used() -> None:
    assert {flag.takes for flag in FLAGS.values()} == set(READERS)


def test_a_flag_overrules_the_file(invoke: Callable[..., click.testing.Result], tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text('source = "a"\ntarget = "b"\n[model]\nname = "resnet18"\n[images]\nall = "p"\n')
    refused = invoke("run", path, "--workers", "0", "--out", tmp_path / "run")
    assert refused.exit_code == 2
    assert "compute.workers: Input should be greater than or equal to 1, got 0" in " ".join(refused.stderr.split())
    assert os.listdir(tmp_path) == ["audit.toml"]
