"""Files that somebody, or something, has broken: each is either valid or refused in a sentence, and nothing else."""

from __future__ import annotations

import copy
import json
import math
import os
import random
from collections.abc import Callable, Iterator
from datetime import date, time
from pathlib import Path

import pytest

from auditor.cli.options import configured
from auditor.core.config import AuditConfig, build_config, read_config
from auditor.core.errors import ConfigError

WHOLE: dict[str, object] = {
    "source": ["frying pan", "lid"],
    "target": "wok",
    "seed": 3,
    "device": "cpu",
    "model": {"name": "mobilenet_v2", "weights": "default", "layer": "features.13"},
    "preprocessing": {"resize": 256, "crop": [224, 224], "mean": [0.5, 0.5, 0.5], "interpolation": "bicubic"},
    "classes": {"names": "classes.csv", "folders": {"pans": "frying pan"}, "ignore": ["rejects"]},
    "images": {
        "all": "photos",
        "shares": [0.2, 0.2, 0.6],
        "max_per_class": 9,
        "masks": "masks",
        "mask_values": {"wok": 1},
    },
    "atlas": {"levels": [4, 6], "filter": "rank", "min_dist": 0.1, "whiten": True, "icons": 6},
    "candidates": {"sizes": [0.3], "tried": 6, "library": False, "patches": "mine"},
    "trials": {"placements": ["fixed", "random"], "size": 0.3, "batch_size": 16},
    "limits": {"uplift": 0.35, "confidence": 0.8},
    "compute": {"workers": 2},
}

ODD: list[object] = [
    *("", "\0", "a\0b", "x" * 5000, "y" * 300, "~nobody-is-called-so/x", "../" * 90, "\x1b[31m", "wök", "1", "*"),
    *([], [[]], [""], ["\0"], [{}], [1, "a", {}], [math.nan], [True], [0.5] * 1000, [[[[[]]]]]),
    *({}, {"a": {"b": {"c": 1}}}, {"": ""}, {"name": {}}),
    *(-1, 0, 1, 2, 2**31, 2**32, 2**63, 10**30, 10**4000, -(10**30)),
    *(math.nan, math.inf, -math.inf, 1e12, 1e308, 5e-324, -0.0, 0.5),
    *(True, False, date(2026, 1, 2), time(3, 4)),
]

BROKEN = {
    "dotted over a scalar": "seed.deeper = 1\n",
    "dotted over a text": 'target = "a"\ntarget.deeper = 1\n',
    "dotted and deep": f"model{'.a' * 3000} = 1\n",
    "dotted, deep, in a value": f"source{'.a' * 3000} = 1\n",
    "a table twice": "[model]\n[model]\n",
    "a list of tables": '[[model]]\nname = "a"\n[[model]]\nname = "b"\n',
    "nested lists": f"seed = {'[' * 3000}{']' * 3000}\n",
    "lists not too deep to read": f"seed = {'[' * 150}{']' * 150}\n",
    "nested tables": f"seed = {'{a = ' * 3000}1{'}' * 3000}\n",
    "more digits than Python reads": f"seed = {'9' * 5000}\n",
    "more digits than Python prints": f"seed = 0x{'f' * 5000}\n",
    "a NUL": "source = \0\n",
    "a NUL in a key": '"so\\u0000urce" = 1\n',
}


def toml(value: object) -> str:
    """A value on one line of TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value)
    return hex(value) if isinstance(value, int) and value > 10**300 else str(value)


def places(values: dict[str, object], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys of every table and every value in it."""
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from places(value, (*above, key))


def table_of(values: dict[str, object], place: tuple[str, ...]) -> dict[str, object]:
    for key in place[:-1]:
        inner = values[key]
        assert isinstance(inner, dict)
        values = inner
    return values


def put(values: dict[str, object], generator: random.Random) -> None:
    """An odd value in the place of a value or of a whole table."""
    place = generator.choice(list(places(values)))
    table_of(values, place)[place[-1]] = generator.choice(ODD)


def swap(values: dict[str, object], generator: random.Random) -> None:
    """Two values, or tables, in each other's place."""
    one, other = generator.sample([place for place in places(values) if len(place) == 2], 2)
    first, second = table_of(values, one), table_of(values, other)
    first[one[-1]], second[other[-1]] = second[other[-1]], first[one[-1]]


def add(values: dict[str, object], generator: random.Random) -> None:
    """A key that is not there."""
    place = generator.choice(list(places(values)))
    odd_key = generator.choice(["", "\0", "a.b", "__class__", "model", "base", "x" * 5000, "ключ"])
    table_of(values, place)[odd_key] = generator.choice(ODD)


def drop(values: dict[str, object], generator: random.Random) -> None:
    place = generator.choice(list(places(values)))
    del table_of(values, place)[place[-1]]


MUTATIONS: tuple[Callable[[dict[str, object], random.Random], None], ...] = (put, put, put, swap, add, drop)


def mutated(seed: int) -> str:
    generator, values = random.Random(seed), copy.deepcopy(WHOLE)
    for mutation in generator.choices(MUTATIONS, k=generator.choice((1, 1, 2))):
        mutation(values, generator)
    return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in values.items())


def valid_or_refused(path: Path) -> bool:
    """Read a file alone and with flags over it; what is valid can be stored and read back, what is not is refused."""
    for flags in ({}, {("model", "name"): "other", ("compute", "workers"): 3, ("seed",): 1}):
        try:
            config = configured(path, flags)
        except ConfigError as error:
            message = str(error)
            assert path.name in message or "home" in message
            assert len(message) < 12_000
            valid = False
            continue
        valid = True
        stored = json.loads(json.dumps(config.model_dump(mode="json"), allow_nan=False))
        assert build_config(stored, config.base) == config
        for relative in (config.model.name, config.images.all, config.classes.names):
            assert relative is None or config.path(relative).is_absolute()
    return valid


def test_the_file_itself_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in WHOLE.items()))
    assert valid_or_refused(path)


def test_mutated_files_are_valid_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    valid = 0
    for seed in range(240):
        path.write_text(mutated(seed), encoding="utf-8")
        try:
            valid += valid_or_refused(path)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {mutated(seed)[:2000]}") from error
    assert 12 <= valid <= 120  # most are refused, and the test would see it if all were


def test_damaged_bytes_are_valid_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    whole = "".join(f"{key} = {toml(value)}\n" for key, value in WHOLE.items()).encode()
    generator = random.Random(0)
    for _ in range(60):
        damaged = bytearray(whole[: generator.randrange(len(whole))] if generator.random() < 0.3 else whole)
        for _ in range(generator.randrange(4)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        path.write_bytes(damaged)
        valid_or_refused(path)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    rest = "" if BROKEN[name].startswith(("source", "target", "[")) else 'source = "a"\ntarget = "b"\n'
    path.write_text(rest + BROKEN[name] + '\n[images]\nall = "p"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read_config(path)
    assert "audit.toml" in str(raised.value)
    assert len(str(raised.value)) < 12_000
    with pytest.raises(ConfigError):
        configured(path, {("model", "name"): "m"})


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"seed": 2**32}, "seed: must be at most 4294967295, got 4294967296"),
        ({"seed": True}, "seed: true and false do not serve here"),
        ({"candidates": {"screened": 1e12}}, "candidates.screened: must be at most 4294967295"),
        (
            {"images": {"all": "p", "masks": "m", "mask_values": {"a": True}}},
            "images.mask_values: true and false do not",
        ),
        (
            {"images": {"all": "p", "masks": "m", "mask_values": {"a": -(16**5000)}}},
            "images.mask_values: must be at least",
        ),
        ({"model": {"name": "m", "arguments": {"depth": 16**5000}}}, "model.arguments: must be at most 4294967295"),
        ({"classes": {"folders": {"a\0b": "c"}}}, "classes.folders: must not hold a NUL character"),
        ({"atlas": {"levels": [10**30]}}, "atlas.levels: must be at most"),
        ({"atlas": {"min_dist": 1.5}}, "atlas.min_dist: Input should be less than or equal to 1, got 1.5"),
        (
            {"limits": {"may_heed": "brightness"}},
            "limits.may_heed: Input should be a list, in brackets, got 'brightness'",
        ),
        ({"limits": 3}, "limits: Input should be a table, with keys of its own, got 3"),
        ({"limits": {"confidence": 0.9999999999999999}}, "limits.confidence: Input should be less than or equal to"),
        ({"model": {"name": "~nobody-is-called-so/m.pt"}}, "model.name: there is no home folder of that name"),
        ({"images": {"all": "a\0b"}}, "images.all: must not hold a NUL character, got 'a\\x00b'"),
        ({"images": {"all": "x" * 256}}, "images.all: a file's name must be at most 255 bytes long"),
        ({"source": "x" * 5000}, "source: must be at most 4096 characters long, got 'xxx"),
        ({"preprocessing": {"resize": 9, "crop": 9, "std": [1.0, math.nan, 1.0]}}, "preprocessing.std.1: Input should"),
    ],
)
def test_what_no_setting_may_be(setting: dict[str, object], words: str, tmp_path: Path) -> None:
    least = {"source": "a", "target": "b", "model": {"name": "m"}, "images": {"all": "p"}}
    with pytest.raises(ConfigError) as raised:
        build_config({**least, **setting}, tmp_path)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_pipe_that_nobody_writes_to_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "audit.toml")
    with pytest.raises(ConfigError, match="is a pipe or a device; give a file"):
        read_config(tmp_path / "audit.toml")


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read as text"):
        read_config(Path("a\0b.toml"))
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    for path in (tmp_path / "loop.toml", tmp_path / ("x" * 300), tmp_path):
        with pytest.raises(ConfigError, match="cannot be read as text"):
            read_config(path)


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text('source = "a"\ntarget = "b"\n[model]\nname = "m"\n[images]\nall = "p"\n', encoding="utf-8-sig")
    assert read_config(path) == AuditConfig(
        source="a", target="b", model={"name": "m"}, images={"all": "p"}, base=tmp_path
    )
