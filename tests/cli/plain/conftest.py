"""Audits for what goes on around them: the world's plain ones, which take half as long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.conftest import finish
from tests.tiny_world import PLAIN, World, build_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """As everywhere, but for maps of places, removals, survival, whole pictures and layouts that are repeated."""
    return build_world(tmp_path_factory.mktemp("plain"), *PLAIN)


@pytest.fixture(scope="session")
def finished(
    world: World, invoke: Callable[..., Result], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Result]:
    """As everywhere, of this world."""
    return finish(world, invoke, tmp_path_factory)
