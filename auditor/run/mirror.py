"""A run folder at an address such as s3://bucket/runs/7: worked on in a copy on this machine, and kept the same there.

Files of a run are whole or not there, so each is sent by itself and by name. The manifests go last: what one names lies
there already, so that whatever interrupts leaves a run that can be continued. Nothing keeps two machines from working
in one run at once; the later one notices, and sends nothing more.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from auditor.core.addresses import holds_a_secret
from auditor.core.errors import ConfigError, StoreError, first_line
from auditor.core.files import read_file
from auditor.core.hashing import sha256_of
from auditor.inputs.stores import TAGS, TIMES, as_os_errors, opened, told
from auditor.run.folder import MANIFEST
from auditor.run.writing import in_words, replacing

EVERY_S = 5.0
"""How long finished files wait, at most, before they are sent."""

Stamp = list[int]
"""Of a file here: its size, and when it was written, in ns."""


class Mirror:
    """A run at an address, and its copy on this machine."""

    def __init__(self, address: str, copies: Path) -> None:
        """
        Args:
            address: such as s3://bucket/runs/7, of which the last part is the run's name.
            copies: the folder of all copies.
        Raises:
            ConfigError: it has a password in it, no name, or nothing opens it.
        """
        if holds_a_secret(address):
            raise ConfigError(
                "an address must hold no password or token; the store's own environment variables and files have them"
            )
        self.address = address.rstrip("/")
        self._store, self._root = opened(self.address)
        name = self.address.partition("://")[2].rpartition("/")[2]
        if not name:
            raise ConfigError(f"{address} names no run; expected an address such as s3://bucket/runs/7")
        self.folder = copies / sha256_of(self.address.encode())[:16] / name
        self._notes = self.folder.parent / "sent.json"
        self._version, self._bringing, self._is_new = "", False, False
        self._sent: dict[str, Stamp] = {}
        self._marks: dict[str, str] = {}
        with suppress(FileNotFoundError, ValueError, KeyError):  # without notes a copy counts as never sent
            notes = json.loads(self._notes.read_text(encoding="utf-8"))
            self._version, self._bringing, self._sent, self._marks = (
                notes[name] for name in ("version", "bringing", "sent", "marks")
            )

    def new(self) -> None:
        """Make sure that a new run can be made there; a copy of one that was taken away there is taken away as well.

        Raises:
            StoreError: something lies there, or it cannot be listed.
        """
        if self._listed():
            raise StoreError(
                f"{self.address} already exists and is not empty; choose another address with --out, or continue it "
                f"with 'auditor run --resume {self.address}'"
            )
        if self._stamps() == self._sent:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._version, self._sent, self._marks = "", {}, {}
        self._bringing, self._is_new = False, True

    def fetch(self) -> None:
        """Bring down what lies there and not here; of a run that nobody changed there since, nothing.

        Raises:
            StoreError: there is no run, it cannot be read, or both it and the copy were changed.
        """
        there = self._listed()
        if MANIFEST not in there:
            raise StoreError(f"there is no run at {self.address}: nothing called {MANIFEST} lies there")
        version = self._version_there()
        if version == self._version and (self.folder / MANIFEST).exists():
            return
        here = self._stamps()
        if here and here != self._sent and not self._bringing:
            with self._in_words("read"):
                own = self._store.cat_file(f"{self._root}/{MANIFEST}") == self._read(MANIFEST)
            if own:  # sent from here, and interrupted before that was noted
                self._version = version
                return
            raise StoreError(
                f"{self.address} was changed from elsewhere, and its copy {self.folder} since it was sent; take the "
                "copy away to go on with what lies there"
            )
        self._bringing = True
        self._note()
        for name, info in there.items():
            if name not in here or self._marks.get(name) != _mark(info):
                self._bring(name)
        for name in here.keys() - there.keys():
            (self.folder / name).unlink(missing_ok=True)
        self._version, self._sent, self._bringing = version, self._stamps(), False
        self._marks = {name: _mark(info) for name, info in there.items()}
        self._note()

    def send(self) -> None:
        """Send what is finished here and not there; of a new run that was taken away again, take away what was sent.

        Raises:
            StoreError: it cannot be written, or was changed from elsewhere.
        """
        before = {name: stamp for name, stamp in self._stamps().items() if _is_manifest(name)}
        manifests = {name: data for name in before if (data := self._read(name))}
        # what a manifest names is here by now; a manifest that is newer than `before` is sent next time
        here = {**self._stamps(), **before}
        changed = [name for name, stamp in here.items() if self._sent.get(name) != stamp]
        gone = [name for name in self._sent if name not in here]
        if not (changed or gone) or not (here or self._is_new):
            return
        if self._version_there() != self._version:
            raise StoreError(
                f"{self.address} was changed from elsewhere while it was worked on here; nothing more is sent, and "
                f"{self.folder} holds what was made"
            )
        with self._in_words("written"):
            for name in changed:
                if not _is_manifest(name):
                    with suppress(FileNotFoundError):  # it was replaced or dropped meanwhile
                        self._store.put_file(str(self.folder / name), f"{self._root}/{name}")
            for name in sorted(manifests, key=lambda name: (-name.count("/"), name)):  # the run's own last
                self._store.pipe_file(f"{self._root}/{name}", manifests[name])
            for name in gone:
                with suppress(FileNotFoundError):
                    self._store.rm_file(f"{self._root}/{name}")
        self._version, self._sent = self._version_there(), here
        self._note()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Send what is finished every few seconds while the body lasts, and all of it once it has ended.

        Raises:
            StoreError: as `send`, once the body has ended.
        """
        ended, problems, sent = threading.Event(), list[StoreError](), self._sent

        def keep() -> None:
            while not problems and not ended.wait(EVERY_S):
                try:
                    self.send()
                except StoreError as problem:
                    problems.append(problem)

        thread = threading.Thread(target=keep, name="copy of a run", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            if problems:
                raise problems[0]
            self.send()
            if self._sent is not sent:
                self._marks = {name: _mark(info) for name, info in self._listed().items()}
                self._note()

    def _listed(self) -> dict[str, Mapping[str, Any]]:
        with self._in_words("listed"):
            self._store.invalidate_cache()
            found: dict[str, Mapping[str, Any]] = self._store.find(self._root, detail=True)
        return {name.removeprefix(self._root).lstrip("/"): info for name, info in found.items()}

    def _version_there(self) -> str:
        """The manifest's mark, which is sent anew with whatever else is; "": there is none."""
        with self._in_words("read"):
            self._store.invalidate_cache()
            try:
                return _mark(self._store.info(f"{self._root}/{MANIFEST}"))
            except FileNotFoundError:
                return ""

    def _bring(self, name: str) -> None:
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise StoreError(f"{self.address} holds a file called {name!r}, which is no file of a run")
        target = self.folder / name
        with in_words(target, "give this command again"):
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as temporary, self._in_words("read"):
                self._store.get_file(f"{self._root}/{name}", str(temporary))

    @contextmanager
    def _in_words(self, doing: str) -> Iterator[None]:
        try:
            with as_os_errors():
                yield
        except OSError as problem:
            raise StoreError(
                f"{self.address} cannot be {doing} ({first_line(problem)}); check the address, and that the "
                "environment has the credentials that its store asks for"
            ) from problem

    def _read(self, name: str) -> bytes:
        try:
            return read_file(self.folder / name)
        except FileNotFoundError:  # taken away meanwhile
            return b""

    def _stamps(self) -> dict[str, Stamp]:
        """Of every finished file here."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder)
            with suppress(FileNotFoundError):
                state = path.stat()
                if path.is_file() and not any(part.startswith(".") for part in name.parts):
                    found[name.as_posix()] = [state.st_size, state.st_mtime_ns]
        return found

    def _note(self) -> None:
        """Keep beside the copy what was sent and brought, for the next command."""
        notes = {
            "version": self._version,
            "bringing": self._bringing,
            "sent": self._sent,
            "marks": self._marks,
        }
        with in_words(self._notes, "give this command again"):
            self._notes.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._notes) as temporary:
                temporary.write_text(json.dumps(notes), encoding="utf-8")


def _is_manifest(name: str) -> bool:
    return name.rpartition("/")[2] == MANIFEST


def _mark(info: Mapping[str, Any]) -> str:
    """By what it is told that a file is the one that was there before."""
    return f"{info.get('size')} {told(info, TIMES)} {told(info, TAGS)}"
