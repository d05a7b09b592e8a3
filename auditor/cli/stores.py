"""Run folders named by an address on the command line: a command works in their copies on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.core.addresses import address_of
from auditor.core.errors import ConfigError

if TYPE_CHECKING:
    from auditor.run.mirror import Mirror

RUNS = ("run_folder", "config_or_run", "resume", "more", "run_a", "runs")
"""Parameters of commands that name runs which exist; a survey's first argument is one as well."""

MAKERS = ("run", "survey", "trial", "suggest", "icons", "atlas", "look")
"""Commands whose --out is a run folder."""

PLACES = ("out", "folder", "path")
"""Parameters that name other places."""


def copies_folder() -> Path:
    """Where copies of runs lie on this machine."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "auditor" / "runs"


@contextmanager
def at_hand(command: str, given: Mapping[str, object]) -> Iterator[tuple[dict[str, object], dict[Path, str]]]:
    """What a command was given, with a path in the place of every run's address; and these runs' addresses by path.

    Runs that exist are brought here first. What the command makes is sent while it works, and the rest when it has
    ended, however it ends.

    Raises:
        ConfigError: an address stands where none can. StoreError: a run cannot be brought or sent.
    """
    mirrors: dict[str, Mirror] = {}
    with ExitStack() as kept:

        def local(name: str, value: object) -> object:
            if isinstance(value, list):
                return [local(name, one) for one in value]
            address = address_of(value) if isinstance(value, Path) else None
            if address is None:
                return value
            exists = name in RUNS or (command, name) == ("survey", "config")
            if not exists and not (name == "out" and command in MAKERS):
                if name in PLACES:
                    raise ConfigError(f"{address} stands where a path of this machine is expected")
                return value
            if given.get("both_directions"):
                raise ConfigError(f"both directions cannot lie at {address}; run each by itself, or give a path")
            if address not in mirrors:
                from auditor.run.mirror import Mirror

                mirror = Mirror(address, copies_folder())
                mirror.fetch() if exists else mirror.new()
                kept.enter_context(mirror.kept())
                mirrors[address] = mirror
            return mirrors[address].folder

        ready = {name: local(name, value) for name, value in given.items()}
        yield ready, {mirror.folder: mirror.address for mirror in mirrors.values()}
