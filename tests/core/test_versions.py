"""Which versions a run records."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import pytest

from auditor.core import versions as recorded

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_what_reads_a_network_is_recorded_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"torch": "2.9", "timm": "1.0.20"}

    def version(package: str) -> str:
        if package not in here:
            raise importlib.metadata.PackageNotFoundError(package)
        return here[package]

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(recorded, "_installed", recorded._installed.__wrapped__)
    found = recorded.versions()
    assert found["timm"] == "1.0.20"
    assert found["torch"] == "2.9"
    assert found["pillow"] == "not installed as a package"
    assert "transformers" not in found


def test_every_package_of_an_extra_that_decides_numbers_is_recorded() -> None:
    others = ("dev", "docs", "gs", "mlflow", "ray", "s3")  # these decide no number
    extras = {name: needs for name, needs in PROJECT["optional-dependencies"].items() if name not in others}
    packages = {need.split(">")[0] for needs in extras.values() for need in needs}
    assert packages - {"matplotlib"} == set(recorded.OF_EXTRAS)  # TorchDR loads it, and draws nothing here
