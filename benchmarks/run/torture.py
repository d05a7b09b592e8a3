"""Kills an audit at random moments, goes on with what is left of it, and compares its findings with an unharmed run's.

    python -m benchmarks.run.torture --kills 10 [--seed 0] [--workers 1] [--engine ray] [--out FOLDER]

A small kitchen world is rendered and audited once without harm, by the command line in a process of its own. Then the
same audit is begun again and again, each time beside no other run, and SIGKILL ends its whole group of processes at a
moment drawn from the time that the unharmed run took; so does it half of the processes that go on with it
(`auditor run --resume`), until as many are killed as was asked for. Each audit is finished in the end, and its
`findings.json` must hold the same bytes as the unharmed run's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from auditor.core.config import AuditConfig, build_config
from auditor.core.progress import Silence
from auditor.core.settings_text import toml_value
from auditor.inputs.world.bundle import demo_config
from auditor.inputs.world.kitchen import CLASS_NAMES, write_world

COUNTS = {name: {"frying pan": 60, "wok": 30}.get(name, 8) for name in CLASS_NAMES}
"""Pictures a class: few, so that a run takes seconds."""

SMALLER: dict[str, dict[str, object]] = {
    "atlas": {"levels": [4, 6], "min_count": 2, "repeats": 1, "icons": 8, "icon_px": 32, "icon_steps": 16},
    "candidates": {
        "sizes": [0.3], "screened": 200, "shortlisted": 40, "screening_images": 8, "tried": 8, "random": 8,
        "strongest": 4, "icons": 2, "dreams": 2, "shapes": 4, "pairs": 4, "made": 4, "trained": 10, "confirmed": 3,
    },
    "compute": {"batch_size": 32},
}  # fmt: skip

ENDED = (0, 1, 3)
"""Exit codes of a run that ended in a verdict."""

MOST_RESUMED = 20
"""How often one audit is gone on with before it is given up."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One process that was killed: which audit, after how many seconds, and which stages were done by then."""

    audit: int
    seconds: float
    done: tuple[str, ...]

    @property
    def where(self) -> str:
        return f"after {self.done[-1]}" if self.done else "before the first stage was done"


def written(folder: Path, workers: int, engine: str = "local") -> Path:
    """Render the world into a folder, and write the TOML file of its audit."""
    config = demo_config("shortcut", folder)
    write_world(folder, "shortcut", COUNTS, config.seed, Silence())
    values = config.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    for table, changed in SMALLER.items():
        values[table] = {**values.get(table, {}), **changed}
    # a Ray of the run's own, which is killed with it
    values["compute"] |= {"workers": workers, "engine": engine, "address": ""}
    path = folder / "audit.toml"
    path.write_text("".join(f"{key} = {toml_value(value)}\n" for key, value in values.items()), encoding="utf-8")
    checked: AuditConfig = build_config(values, folder)
    if not checked.path("images").is_dir():
        raise FileNotFoundError(checked.path("images"))
    return path


def started(config: Path, run: Path) -> subprocess.Popen[bytes]:
    """Begin an audit, or go on with it where its folder says that it was begun."""
    way = ["--resume", str(run)] if (run / "manifest.json").exists() else [str(config), "--out", str(run)]
    return subprocess.Popen(
        [sys.executable, "-m", "auditor.cli", "run", *way],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # so that its workers are killed with it
    )


def finished(process: subprocess.Popen[bytes]) -> None:
    """Wait for a run's verdict.

    Raises:
        RuntimeError: it ended without one.
    """
    _, said = process.communicate()
    if process.returncode not in ENDED:
        raise RuntimeError(f"a run ended with exit code {process.returncode}:\n{said.decode(errors='replace')[-2000:]}")


def killed(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Kill a process and its workers after so many seconds; False where it was finished by then."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=seconds)
    if process.returncode is not None:
        finished(process)
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return True


def stages_done(run: Path) -> tuple[str, ...]:
    """The stages of a run that are done, in the order in which they were."""
    manifest = run / "manifest.json"
    return tuple(json.loads(manifest.read_bytes()).get("stages", {})) if manifest.exists() else ()


def tortured(config: Path, run: Path, audit: int, most: int, length: float, generator: random.Random) -> list[Kill]:
    """Make an audit whole, though at least one, and at most `most`, of its processes are killed on the way."""
    kills: list[Kill] = []
    for _ in range(MOST_RESUMED):
        process = started(config, run)
        if len(kills) >= most or (kills and generator.random() < 0.5):
            finished(process)
            return kills
        seconds = generator.uniform(0.0, length)
        if killed(process, seconds):
            kills.append(Kill(audit, seconds, stages_done(run)))
        elif kills:
            return kills
        else:  # it was quicker than the unharmed run
            return []
    raise RuntimeError(f"an audit was not finished in {MOST_RESUMED} goes")


def table(kills: list[Kill], same: list[bool]) -> str:
    """One row an audit in Markdown: its kills, and whether its findings are the unharmed run's."""
    lines = ["| audit | killed | findings |", "| ---: | --- | --- |"]
    for audit, one in enumerate(same):
        told = "; ".join(f"{kill.seconds:.1f} s, {kill.where}" for kill in kills if kill.audit == audit)
        lines.append(f"| {audit + 1} | {told or 'finished before'} | {'the same bytes' if one else 'OTHER'} |")
    return "\n".join(lines)


def torture(
    folder: Path, wanted: int, seed: int, workers: int, engine: str = "local"
) -> tuple[list[Kill], list[bool], float]:
    """Kill audits until `wanted` processes are killed; their kills, which ended the same, and the unharmed seconds."""
    config, generator = written(folder / "world", workers, engine), random.Random(seed)
    whole = folder / "unharmed" / "run"
    begun = time.monotonic()
    finished(started(config, whole))
    length = time.monotonic() - begun
    expected = (whole / "findings.json").read_bytes()
    kills: list[Kill] = []
    same: list[bool] = []
    while len(kills) < wanted:
        run = folder / f"audit-{len(same) + 1}" / "run"
        kills += tortured(config, run, len(same), wanted - len(kills), length, generator)
        same.append((run / "findings.json").read_bytes() == expected)
        print(table(kills, same).splitlines()[-1], file=sys.stderr, flush=True)
    return kills, same, length


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10, help="processes to kill")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--workers", type=int, default=1, help="processes that share each audit's work")
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="who shares the work out")
    parser.add_argument("--out", type=Path, help="keep world and runs below this new folder")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or Path(scratch)
        kills, same, length = torture(folder, options.kills, options.seed, options.workers, options.engine)
    print(table(kills, same))
    told = f"{len(kills)} kills of {len(same)} audits of {length:.0f} s; ended with other findings: {same.count(False)}"
    print(f"\n{told}")
    sys.exit(0 if all(same) else 1)


if __name__ == "__main__":
    main()
