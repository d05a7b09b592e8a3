"""Versions that decide numbers."""

from __future__ import annotations

import functools
import importlib.metadata
import platform

from auditor import __version__

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "umap-learn", "pillow", "pyarrow")
OF_EXTRAS = ("timm", "transformers", "open_clip_torch", "onnx", "onnx2pytorch", "onnxruntime", "torchdr")
"""Packages that only some sources of networks or one layout need (the extras of pyproject.toml)."""


def versions() -> dict[str, str]:
    """Versions that decide numbers: auditor, Python, `PACKAGES`, and those of `OF_EXTRAS` that are installed."""
    found = {"auditor": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        found[package] = _installed(package) or "not installed as a package"
    for package in OF_EXTRAS:
        if version := _installed(package):
            found[package] = version
    return found


@functools.cache  # what is installed stays while a process runs, and reading it takes a fiftieth of a second
def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
