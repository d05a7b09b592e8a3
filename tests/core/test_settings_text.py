"""The settings as a list: nothing is left out, and values and ranges are written as they should be."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import get_args

import pytest
from pydantic import BaseModel

from auditor.core.config import AuditConfig
from auditor.core.section import Moved
from auditor.core.settings_text import all_settings, all_tables, plain, toml_value


def fields_of(section: type[BaseModel], prefix: str = "") -> Mapping[str, object]:
    """Every field of the configuration that is no section, by its dotted name; those that moved with where to."""
    found: dict[str, object] = {}
    for name, field in section.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        moved = next((mark.to for mark in field.metadata if isinstance(mark, Moved)), None)
        found |= {f"{prefix}{name}": moved} if inner is None else fields_of(inner, f"{prefix}{name}.")
    return found


def test_every_field_is_a_setting_in_its_order() -> None:
    expected = [key for key, moved in fields_of(AuditConfig).items() if moved is None and key != "base"]
    assert [setting.key for setting in all_settings()] == expected


def test_what_moved_went_somewhere() -> None:
    moved = {key: to for key, to in fields_of(AuditConfig).items() if to is not None}
    assert moved == {"trials.batch_size": "compute.batch_size"}
    assert set(moved.values()) <= {setting.key for setting in all_settings()}


def test_every_setting_and_table_is_described() -> None:
    assert [setting.key for setting in all_settings() if len(setting.description) < 10] == []
    assert [setting.key for setting in all_settings() if setting.description.endswith(".")] == []
    assert [table.name for table in all_tables() if table.name and not table.description.endswith(".")] == []
    assert [setting.key for setting in all_settings() if setting.description.count("`") % 2] == []


def test_what_has_no_default_has_an_example() -> None:
    bare = [setting.key for setting in all_settings() if setting.default is None or setting.default in ({}, ())]
    assert [setting.key for setting in all_settings() if setting.key in bare and setting.example is None] == []


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("seed", "0 or more"),
        ("atlas.icon_px", "16 to 1024"),
        ("candidates.screened", "1 to 10_000_000"),
        ("preprocessing.crop", "each 1 to 10000"),
        ("atlas.min_dist", "0 to 1"),
        ("atlas.perplexity", "above 1"),
        ("images.shares", "each above 0, below 1"),
        ("images.max_per_class", "1 or more"),
        ("trials.size", "above 0, below 1"),
        ("trials.perspective", "0 or more, below 0.5"),
        ("limits.confidence", "above 0.5, at most 0.999999"),
        ("atlas.whiten", ""),
        ("model.name", ""),
    ],
)
def test_ranges_in_words(key: str, words: str) -> None:
    (setting,) = [setting for setting in all_settings() if setting.key == key]
    assert setting.allowed == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("wok", '"wok"'),
        ('5" pan\\lid\n', '"5\\" pan\\\\lid\\n"'),
        (64, "64"),
        (10_000, "10000"),
        (50_000_000, "50_000_000"),
        (0.25, "0.25"),
        (1e-9, "1e-09"),
        (True, "true"),
        ((10, 20), "[10, 20]"),
        ([], "[]"),
        ({}, "{}"),
        ({"a pan": "pan", "b": 2}, '{ "a pan" = "pan", "b" = 2 }'),
    ],
)
def test_values_as_toml_writes_them(value: object, text: str) -> None:
    assert toml_value(value) == text
    read = tomllib.loads(f"value = {text}")["value"]
    assert read == (list(value) if isinstance(value, tuple) else value)


def test_descriptions_without_marks() -> None:
    assert plain("`auto`, `cpu` or `cuda:N`") == "auto, cpu or cuda:N"
