"""Factories of this package that earlier runs name are found where they are now."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.core.errors import ModelError
from auditor.inputs.model.sources.factory import build_from_factory
from auditor.inputs.world.kitchen_network import KitchenNetwork


def test_the_demonstrations_network_is_known_by_its_old_name(tmp_path: Path) -> None:
    network = build_from_factory("auditor.worlds.network:demo_network", 12, tmp_path)
    assert isinstance(network, KitchenNetwork)


def test_a_message_names_the_module_where_it_is_now(tmp_path: Path) -> None:
    message = r"auditor\.inputs\.world\.kitchen_network has no function 'network'; it has KitchenNetwork, demo_network"
    with pytest.raises(ModelError, match=message):
        build_from_factory("auditor.worlds.network:network", 12, tmp_path)
