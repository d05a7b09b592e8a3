"""The configuration file: what is accepted, what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.core.config import AtlasConfig, AuditConfig, PreprocessingConfig, build_config, read_config, with_atlas
from auditor.core.errors import ConfigError

MINIMAL = """
source = "frying pan"
target = "wok"
[model]
name = "mobilenet_v2"
[images]
all = "photos"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "audit.toml"
    path.write_text(text)
    return path


def test_minimal_file_has_the_documented_defaults(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, MINIMAL))
    assert config.limits.uplift == 0.10
    assert config.trials.size == 0.35
    assert config.trials.placements == ("fixed", "random")
    assert config.path("photos") == (tmp_path / "photos").resolve()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("all =", "folder ="), ["unknown key 'images.folder'", "known here: all, discovery"]),
        (("name =", "nam ="), ["unknown key 'model.nam'", "did you mean 'name'", "'model.name' is missing"]),
        (("target =", "taget ="), ["'target' is missing", "did you mean 'target'"]),
        (('"wok"', "3.5"), ["target: expected a class by its name, alias or index", "got 3.5"]),
        (("[images]", "[images"), ["not valid TOML"]),
        (("[model]", "[limits]\nuplift = 2\n[model]"), ["limits.uplift", "less than 1", "got 2"]),
        (("[model]", 'device = "tpu"\n[model]'), ["device", "got 'tpu'"]),
        (("[model]", "[preprocessing]\nresize = 224\n[model]"), ["needs a crop"]),
        (("[images]", "[images]\nshares = [0.5, 0.4, 0.4]"), ["add up to 1", "1.3"]),
        (("[images]", '[images]\nconfirmation = "b"'), ["either 'all' or separate folders"]),
    ],
)
def test_mistakes_are_named(tmp_path: Path, change: tuple[str, str], words: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        read_config(write(tmp_path, MINIMAL.replace(*change)))
    for word in words:
        assert word in str(raised.value)


def test_a_missing_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="auditor init"):
        read_config(tmp_path / "none.toml")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        read_config(path)


def test_configuration_from_python(tmp_path: Path) -> None:
    config = build_config(
        {"source": "*", "target": ["a", "b"], "model": {"name": "m"}, "images": {"all": "x"}}, tmp_path
    )
    assert config.target == ("a", "b")


def test_settings_of_the_atlas_are_overruled_and_checked() -> None:
    config = AuditConfig(source="a", target="b", model={"name": "m"}, images={"all": "p"}, atlas={"min_count": 7})
    changed = with_atlas(config, {"levels": (3, 9)})
    assert changed.atlas == AtlasConfig(levels=(3, 9), min_count=7)
    assert (changed.base, changed.images) == (config.base, config.images)
    assert with_atlas(config, {}) is config
    with pytest.raises(ConfigError, match="the command line: atlas: levels needs at least one grid size"):
        with_atlas(config, {"levels": (1,)})


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
        ([0.485, 0.456, 0.406], [58.4, 57.1, 57.4]),
        ([-1.5, 0.0, 0.0], [1.0, 1.0, 1.0]),
    ],
)
def test_numbers_for_pixels_from_0_to_255_are_refused(mean: list[float], std: list[float], tmp_path: Path) -> None:
    values: dict[str, object] = {
        "source": "a", "target": "b", "model": {"name": "resnet18"}, "images": {"all": "photos"},
        "preprocessing": {"resize": 256, "crop": 224, "mean": mean, "std": std},
    }  # fmt: skip
    with pytest.raises(ConfigError, match=r"preprocessing: mean and std are for pixels from 0 to 1 .* by 255"):
        build_config(values, tmp_path)


@pytest.mark.parametrize(
    ("mean", "std"), [((0.0,) * 3, (1.0,) * 3), ((1.0,) * 3, (1 / 255,) * 3), ((-1.0,) * 3, (0.5,) * 3)]
)
def test_numbers_for_pixels_from_0_to_1_are_taken(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    taken = PreprocessingConfig.model_validate({"resize": 256, "crop": 224, "mean": mean, "std": std})
    assert (taken.mean, taken.std) == (mean, std)


def test_every_wrong_setting_is_told_at_once(tmp_path: Path) -> None:
    """Single keys, and what several keys of one table say together, also where that table has wrong keys as well."""
    wrong = {
        "source": 0.5,
        "target": "b",
        "seed": -1,
        "model": {"name": "m", "layr": "features"},
        "preprocessing": {"resize": 256, "interpolation": "cubic", "std": [0, 1, 1]},
        "images": {"all": "p", "discovery": "q", "shares": [0.5, 0.5, 0.5], "masks": "m", "max_pixels": 0},
        "atlas": {"levels": [4, 4], "min_dist": 2},
        "limits": {"confidence": 1.0},
    }
    with pytest.raises(ConfigError) as raised:
        build_config(wrong, tmp_path)
    told = str(raised.value).split("; ")
    for words in (
        "source: expected a class",
        "seed: ",
        "unknown key 'model.layr'",
        "preprocessing: resize by the shorter side needs a crop",
        "preprocessing.interpolation: ",
        "preprocessing: std must be above 0",
        "images: give either 'all' or separate folders",
        "images: shares must add up to 1, got 1.5",
        "images: masks and mask_values go together",
        "images.max_pixels: ",
        "atlas.levels: each may stand there once",
        "atlas.min_dist: ",
        "limits.confidence: ",
    ):
        assert sum(words in one for one in told) == 1, (words, told)


@pytest.mark.parametrize(
    ("table", "values", "words"),
    [
        ("classes", {"ignore": ["x", "y", "x"]}, "classes.ignore: each may stand there once, and 'x' stands"),
        ("atlas", {"levels": [4, 6, 4]}, "atlas.levels: each may stand there once, and '4' stands"),
        ("candidates", {"sizes": [0.3, 0.3]}, "candidates.sizes: each may stand there once, and '0.3' stands"),
        ("trials", {"placements": ["best", "best"]}, "trials.placements: each may stand there once, and 'best' stands"),
        ("trials", {"best_sizes": [0.2, 0.2]}, "trials.best_sizes: each may stand there once, and '0.2' stands"),
    ],
)
def test_lists_hold_nothing_twice(table: str, values: dict[str, object], words: str, tmp_path: Path) -> None:
    least: dict[str, object] = {"source": "a", "target": "b", "model": {"name": "m"}, "images": {"all": "p"}}
    with pytest.raises(ConfigError) as raised:
        build_config({**least, table: values}, tmp_path)
    assert words in str(raised.value)


def test_the_same_number_may_stand_twice_where_places_differ() -> None:
    values = {"resize": [64, 64], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    assert PreprocessingConfig.model_validate(values).resize == (64, 64)


@pytest.mark.parametrize(("given", "taken"), [(3, "3"), ([3, "wok"], ("3", "wok")), ("wok", "wok"), (["a"], ("a",))])
def test_classes_by_index(given: object, taken: object, tmp_path: Path) -> None:
    values: dict[str, object] = {"source": given, "target": "b", "model": {"name": "m"}, "images": {"all": "p"}}
    config = build_config(values, tmp_path)
    assert config.source == taken
    assert build_config(config.model_dump(mode="json"), tmp_path) == config


@pytest.mark.parametrize("given", [True, 0.5, [True], [["a"]], {"a": 1}, [0.5]])
def test_what_is_no_class(given: object, tmp_path: Path) -> None:
    values: dict[str, object] = {"source": "a", "target": given, "model": {"name": "m"}, "images": {"all": "p"}}
    with pytest.raises(ConfigError, match=r"target: (expected a class by its name, alias or index|true and false)"):
        build_config(values, tmp_path)


@pytest.mark.parametrize(
    "given", [0, 10_001, -1, 0.5, True, "224", [224], [1, 2, 3], [224, 0], [224, 10_001], [[1], 2]]
)
@pytest.mark.parametrize("key", ["resize", "crop"])
def test_what_is_no_size(key: str, given: object, tmp_path: Path) -> None:
    values: dict[str, object] = {"source": "a", "target": "b", "model": {"name": "m"}, "images": {"all": "p"}}
    with pytest.raises(ConfigError) as raised:
        build_config({**values, "preprocessing": {"resize": 256, "crop": 224, key: given}}, tmp_path)
    (told,) = str(raised.value).split("; ")
    assert f"preprocessing.{key}: " in told


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_files_in_another_encoding_are_refused(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_bytes(MINIMAL.encode(encoding))
    with pytest.raises(ConfigError, match=r"audit\.toml (is not valid TOML|cannot be read as text)"):
        read_config(path)
    path.write_bytes(MINIMAL.encode("utf-16"))
    with pytest.raises(ConfigError, match="it is UTF-16; save it as UTF-8"):
        read_config(path)


def test_a_list_of_one_layer_is_that_layer(tmp_path: Path) -> None:
    def built(**model: object) -> AuditConfig:
        values = {"source": "a", "target": "b", "model": {"name": "m", **model}, "images": {"all": "x"}}
        return build_config(values, tmp_path)

    assert built(layers=["body"]) == built(layer="body")
    assert built(layers=["body"]).model_dump_json() == built(layer="body").model_dump_json()
    several = built(layers=["body", "neck"])
    assert (several.model.layer, several.model.layers) == (None, ("body", "neck"))
    again = build_config(several.model_dump(mode="json", exclude={"base"}), tmp_path)  # as a manifest holds it
    assert again == several
    with pytest.raises(ConfigError, match=r"model: layer \('a'\) and layers \('b', 'c'\) are both given"):
        built(layer="a", layers=["b", "c"])
    for wrong in (["body", "body"], [], [1, 2], "body", list("abcdefghi")):
        with pytest.raises(ConfigError, match=r"model\.layers"):
            built(layers=wrong)
