"""What torchvision says of its own networks, and that it is imported only where it is asked."""

from __future__ import annotations

import pytest

from auditor.core.errors import ConfigError
from auditor.inputs.model.sources.torchvision import torchvision_class_names, torchvision_preprocessing


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
