"""Weights that a run was begun with are found again, by their content."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from auditor.core.errors import ModelError
from auditor.inputs.model.loading import load_classifier, with_found_weights
from auditor.inputs.model.weights import find_weights
from auditor.inputs.world.bundle import demo_config, weights_path

CLEAN = weights_path("clean")
CLEAN_SHA256 = hashlib.sha256(CLEAN.read_bytes()).hexdigest()
GONE = Path("/an/earlier/place/auditor/worlds/weights/clean.safetensors")


def test_weights_that_moved_are_found_by_their_content(tmp_path: Path) -> None:
    assert find_weights(GONE, CLEAN_SHA256) == CLEAN
    assert find_weights(GONE, "0" * 64) == GONE
    assert find_weights(GONE, "") == GONE
    there = tmp_path / "other.safetensors"
    there.write_bytes(b"other weights")
    assert find_weights(there, CLEAN_SHA256) == there  # what was named comes first; that it changed is seen elsewhere


def test_a_demonstration_of_an_earlier_version_is_opened(tmp_path: Path) -> None:
    today = demo_config("clean", tmp_path)
    values = {"name": "auditor.worlds.network:demo_network", "weights": str(GONE)}
    old = today.model_copy(update={"model": today.model.model_copy(update=values)})
    cpu = torch.device("cpu")
    with pytest.raises(ModelError, match="there is no weights file at /an/earlier/place"):
        load_classifier(with_found_weights(old, "0" * 64), cpu)
    found = with_found_weights(old, CLEAN_SHA256)
    assert (found.model.weights, found.model.layer, found.base) == (str(CLEAN), today.model.layer, tmp_path)
    loaded = load_classifier(found, cpu)
    assert (loaded.weights_path, loaded.weights_sha256) == (str(CLEAN), CLEAN_SHA256)


def test_a_configuration_whose_weights_are_there_or_left_out_stays_as_it_is(tmp_path: Path) -> None:
    config = demo_config("clean", tmp_path)
    assert with_found_weights(config, CLEAN_SHA256) is config
    for weights in (None, "default"):
        without = config.model_copy(update={"model": config.model.model_copy(update={"weights": weights})})
        assert with_found_weights(without, CLEAN_SHA256) is without
