"""What torchvision says of its own networks, and that it is imported only where it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from auditor.core.errors import ConfigError, ModelError
from auditor.inputs.model.sources.protocol import BuiltNetwork, NetworkRequest
from auditor.inputs.model.sources.torchvision import (
    TORCHVISION,
    build_torchvision,
    torchvision_class_names,
    torchvision_preprocessing,
)


def test_default_preprocessing_is_that_of_the_weights() -> None:
    inception = torchvision_preprocessing("inception_v3")
    assert inception is not None
    assert (inception.resize, inception.crop) == (342, (299, 299))
    efficientnet = torchvision_preprocessing("efficientnet_b0")
    assert efficientnet is not None
    assert (efficientnet.resize, efficientnet.interpolation) == (256, "bicubic")
    assert torchvision_preprocessing("nothing") is None


def test_torchvision_names_and_their_count() -> None:
    names = torchvision_class_names("resnet18", 1000)
    assert names.index_of("wok") == 909
    assert names.index_of("frying pan") == 567
    assert len(set(names.names)) == 1000
    with pytest.raises(ConfigError, match="torchvision names 1000 classes for resnet18, but the model has 12"):
        torchvision_class_names("resnet18", 12)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_whether_the_input_is_rescaled_is_said_and_can_be_chosen(name: str, tmp_path: Path) -> None:
    state = {"fc.weight": torch.zeros(1)}

    def built(**settings: object) -> BuiltNetwork:
        return TORCHVISION.build(NetworkRequest(name, 3, (299, 299), tmp_path, torch.device("cpu"), **settings))

    tuned = built(state=state)
    assert not tuned.module.transform_input
    (note,) = tuned.notes
    assert note.startswith(f"{name} does not rescale its input, since its weights are not torchvision's own; ")
    for chosen in (True, False):
        network = built(state=state, arguments={"transform_input": chosen})
        assert (network.module.transform_input, network.notes) == (chosen, ())
    own = built(state=state, own_weights=True)
    assert (own.module.transform_input, own.notes) == (True, ())


def test_arguments_that_torchvision_takes_and_does_not_take() -> None:
    with pytest.raises(ModelError, match=r"building squeezenet1_1 failed with TypeError: .*'depth'"):
        build_torchvision("squeezenet1_1", 3, arguments={"depth": 4})
    assert build_torchvision("squeezenet1_1", 3, arguments={"dropout": 0.1}).classifier[0].p == 0.1
