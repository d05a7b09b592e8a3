"""Versions that decide numbers."""

from __future__ import annotations

import importlib.metadata
import platform

from auditor import __version__

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "umap-learn", "pillow", "pyarrow")


def versions() -> dict[str, str]:
    """Versions that decide numbers: auditor, Python and the packages in `PACKAGES`."""
    found = {"auditor": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed as a package"
    return found
