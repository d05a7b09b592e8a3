"""What the declared settings accept: ranges, and keys that have moved since older files were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.core.config import AuditConfig, ComputeConfig, TrialsConfig, build_config, with_atlas
from auditor.core.section import Section

LEAST = {"source": "a", "target": "b", "model": {"name": "m"}, "images": {"all": "p"}}
MANIFEST = Path(__file__).with_name("manifest_before_compute.json")


@pytest.mark.parametrize(
    ("tables", "size"),
    [
        ({}, 64),
        ({"trials": {"batch_size": 16}}, 16),
        ({"compute": {"batch_size": 8}}, 8),
        ({"trials": {"batch_size": 16}, "compute": {"batch_size": 8}}, 8),
        ({"trials": {"batch_size": 16}, "compute": {"workers": 2}}, 16),
        ({"trials": {"batch_size": 16}, "compute": {"batch_size": 64}}, 64),
    ],
)
def test_one_batch_size_wherever_it_is_given(tables: dict[str, object], size: int, tmp_path: Path) -> None:
    config = build_config({**LEAST, **tables}, tmp_path)
    assert (config.compute.batch_size, config.trials.batch_size) == (size, size)
    stored = config.model_dump(mode="json")
    assert stored["compute"]["batch_size"] == size
    assert "batch_size" not in stored["trials"]
    assert build_config(stored, tmp_path) == config
    assert with_atlas(config, {"icons": 0}).compute == config.compute


def test_one_batch_size_in_python() -> None:
    config = AuditConfig(**LEAST, trials=TrialsConfig(batch_size=16))
    assert config.compute == ComputeConfig(batch_size=16)
    other = AuditConfig(**LEAST, trials=config.trials, compute=ComputeConfig(batch_size=8))
    assert (other.compute.batch_size, other.trials.batch_size, config.trials.batch_size) == (8, 8, 16)


def test_the_configuration_of_an_older_manifest_is_valid(tmp_path: Path) -> None:
    """As it was stored before [compute] was there."""
    stored = json.loads(MANIFEST.read_text(encoding="utf-8"))
    config = build_config(stored, tmp_path)
    assert config.compute == ComputeConfig(batch_size=16)
    now = config.model_dump(mode="json")
    assert stored["trials"].pop("batch_size") == 16
    for table, then in stored.items():
        kept = {key: now[table][key] for key in then} if isinstance(then, dict) else now[table]
        assert kept == then, table


def test_every_count_has_a_bound_far_above_its_default() -> None:
    """What would hang or exhaust memory is refused; only what is a mere ceiling has the general bound alone."""
    ceilings, scales = {"images.max_per_class", "images.max_pixels"}, {"trials.worst_jpeg", "survival.jpeg_quality"}
    counts = [
        (f"{name}.{key}", setting.default, [mark.le for mark in setting.metadata if hasattr(mark, "le")])
        for name, field in AuditConfig.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
        for key, setting in field.annotation.model_fields.items()
        if setting.annotation in (int, int | None) and f"{name}.{key}" not in scales
    ]
    assert len(counts) >= 30
    for key, default, bounds in counts:
        assert len(bounds) == (key not in ceilings), key
        assert all(bound >= 10 * (default or 1) for bound in bounds), key


def test_what_a_placement_alone_reads_tells_no_look_of_other_placements_apart() -> None:
    """A look at confirmation pictures is known by this text, in ledgers of earlier versions too."""
    before = (
        '{"placements":["fixed"],"size":0.35,"best_sizes":[0.2,0.35,0.5],"rotation_degrees":45.0,"scale_jitter":0.2,'
        '"perspective":0.1,"colour_jitter":0.2}'
    )
    assert TrialsConfig(placements=("fixed",)).deciding == before
    assert TrialsConfig(placements=("fixed",), noise=0.5, corner_jitter=0.1).deciding == before
    one, other = (TrialsConfig(placements=("photographed",), noise=noise).deciding for noise in (0.1, 0.5))
    assert one != other
    assert "corner_jitter" not in one
