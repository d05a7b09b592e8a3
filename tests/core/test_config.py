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
    assert config.trials.placements == ("fixed",)
    assert config.path("photos") == (tmp_path / "photos").resolve()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("all =", "folder ="), ["unknown key 'images.folder'", "known here: all, discovery"]),
        (("name =", "nam ="), ["unknown key 'model.nam'", "did you mean 'name'", "'model.name' is missing"]),
        (("target =", "taget ="), ["'target' is missing", "did you mean 'target'"]),
        (('"wok"', "3"), ["target"]),
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
