"""Speed and memory of the atlas, part after part: attribution, collection, layout and grids, icons.

    python -m benchmarks.atlas.parts [--real ../shared/real] [--device auto] [--parts attribution layout ...]

Each part is a script of its own beside this one, with its own baseline in the same run and options of its own; here
they run one after the other with their defaults, each in a process of its own, so that memory peaks are its own.
`icons` compares with torch-lucent where that is installed (pip install torch-lucent).
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from pathlib import Path

PARTS = ("attribution", "collection", "layout", "icons")
WITHOUT_PHOTOGRAPHS = ("layout",)


def arguments_of(part: str, options: argparse.Namespace) -> list[str]:
    """What a part is started with: photographs and device, where it takes them."""
    if part in WITHOUT_PHOTOGRAPHS:
        return []
    given = ["--real", str(options.real), "--device", options.device]
    if part == "icons" and importlib.util.find_spec("lucent") is None:
        print("torch-lucent is not installed: icons are timed without it")
        return [*given, "--lucent-icons", "0"]
    return given


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=Path("../shared/real"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    failed = []
    for part in options.parts:
        print(f"== {part}", flush=True)
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.atlas.{part}", *arguments_of(part, options)], check=False
        )
        print(f"== {part}: {time.perf_counter() - started:.0f} s", flush=True)
        failed += [part] if done.returncode else []
    if failed:
        sys.exit(f"these parts failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
