"""Bring the JavaScript that the report ships, and that its tests use, to a version: files and licences from npm.

    python tools/reports/vendor.py

Needs npm. Versions stand below; a package's own minified file is taken as it is.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Package:
    """An npm package: its files by their names in `folder`."""

    name: str
    version: str
    folder: Path
    files: tuple[str, ...]


PACKAGES = (
    Package(
        "@panzoom/panzoom", "4.6.2", ROOT / "auditor/report/vendor/panzoom", ("dist/panzoom.min.js", "MIT-License.txt")
    ),
    Package("axe-core", "4.14.1", ROOT / "tests/browser/axe", ("axe.min.js", "LICENSE")),
)


def refresh(package: Package) -> None:
    """Replace a package's files by those of its version."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed; the files that are there stay")
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([npm, "pack", "--silent", f"{package.name}@{package.version}"], cwd=scratch, check=True)  # noqa: S603
        (packed,) = Path(scratch).glob("*.tgz")
        with tarfile.open(fileobj=io.BytesIO(packed.read_bytes())) as archive:
            package.folder.mkdir(parents=True, exist_ok=True)
            for file in package.files:
                member = archive.extractfile(f"package/{file}")
                if member is None:
                    raise SystemExit(f"{package.name} {package.version} holds no {file}")
                (package.folder / Path(file).name).write_bytes(member.read())
    print(f"{package.name} {package.version}: {', '.join(package.files)}")


if __name__ == "__main__":
    for one in PACKAGES:
        refresh(one)
