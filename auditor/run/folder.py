"""The run folder: atomic writes, hashes, what is done already. Only through it and `writing.py` are files written."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from auditor.core.addresses import address_of
from auditor.core.arrays import Arrays, arrays_from_bytes, map_arrays, write_arrays
from auditor.core.errors import DamagedFileError, StoreError
from auditor.core.files import read_file
from auditor.core.hashing import sha256_of, sha256_of_file
from auditor.core.plain_text import json_text, utf8
from auditor.run.parquet import join_parquet, open_parquet, write_parquet, write_shown_csv
from auditor.run.writing import in_words, lock, replacing

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]

MANIFEST = "manifest.json"
GIVEN = (MANIFEST, "policy.toml")
"""What lies in a run folder before anything is made."""

MAPPED_FROM = 2**28
"""Bytes of a file of arrays from which on it is mapped."""

OF_THE_RUN_ALONE = ("inputs", "checksums")
"""Facts that a folder inside a run does not repeat."""


class RunFolder:
    """One run's folder. A file in it is either whole or not there: each is written beside itself and renamed.

    It is a shelf (`auditor.core.shelf`), and knows tables, arrays and the manifest beside.
    """

    def __init__(self, path: Path, writable: tuple[str, ...] | None = None) -> None:
        """
        Args:
            writable: patterns of the files that may be written through this object; None: any.
        """
        self.path = path
        self._writable = writable

    @classmethod
    def create(cls, path: Path, facts: Mapping[str, Json] | None = None) -> RunFolder:
        """Make a new run folder whose manifest holds `facts` and no stage.

        Raises:
            StoreError: it exists and is not empty, or it cannot be made.
        """
        if address := address_of(path):
            raise StoreError(
                f"a run folder cannot lie at {address}: it needs a file system; 'auditor run --out {address}' works in "
                "a copy and keeps that address in step"
            )
        with in_words(path):
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise StoreError(
                    f"{path} already exists and is not empty; choose another folder with --out, or continue it "
                    f"with 'auditor run --resume {path}'"
                )
            path.mkdir(parents=True, exist_ok=True)
        run = cls(path)
        run.write_json(MANIFEST, {**(facts or {}), "stages": {}})
        return run

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open a run folder that exists.

        Raises:
            StoreError: there is none, or it has no readable manifest.
        """
        if not path.is_dir():
            raise StoreError(f"there is no run folder {path}; 'auditor run' makes one")
        run = cls(path)
        if not run.has(MANIFEST):
            raise StoreError(f"{path} is no run folder, it holds no {MANIFEST}; 'auditor run' makes one")
        run.manifest()
        return run

    @classmethod
    def within(cls, outer: RunFolder, folder: str) -> RunFolder:
        """A folder inside a run that holds a run's files of its own; made if need be."""
        run = cls(outer.path / folder)
        if not run.has(MANIFEST):
            facts = {name: value for name, value in outer.manifest().items() if name not in OF_THE_RUN_ALONE}
            run.write_json(MANIFEST, {**facts, "stages": {}})
        return run

    def only(self, patterns: tuple[str, ...]) -> RunFolder:
        """The same folder, in which nothing but files of these patterns can be written."""
        return RunFolder(self.path, patterns)

    @property
    def name(self) -> str:
        """What the run is called in records and reports."""
        return utf8(self.path.resolve().name)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other process of auditor from working in this folder as long as the body lasts.

        The system lets go of it when the process ends, however it ends, so nothing stale stays behind.

        Raises:
            StoreError: another process is at work here.
        """
        with in_words(self.path):
            handle = os.open(self.path, os.O_RDONLY)
        try:
            lock(handle, self.path)
            yield
        finally:
            os.close(handle)

    def matching(self, patterns: Sequence[str]) -> list[str]:
        """Files that are there, by the patterns they match: names below the folder, sorted. `*` stays in a folder."""
        found = {path for pattern in patterns for path in self.path.glob(pattern) if path.is_file()}
        return sorted(path.relative_to(self.path).as_posix() for path in found if not path.name.startswith("."))

    def has(self, *files: str) -> bool:
        return all((self.path / file).exists() for file in files)

    def manifest(self) -> dict[str, Json]:
        """The manifest as it stands.

        Raises:
            StoreError: it is missing or is not JSON.
        """
        try:
            values = json.loads(self.read_text(MANIFEST))
        except json.JSONDecodeError as error:
            raise StoreError(f"{self.path / MANIFEST} is not JSON ({error}); this run cannot be continued") from error
        if not isinstance(values, dict):
            raise StoreError(f"{self.path / MANIFEST} does not hold an object; this run cannot be continued")
        return values

    def update_manifest(self, values: Mapping[str, Json]) -> None:
        self.write_json(MANIFEST, {**self.manifest(), **values})

    def facts(self, stage: str) -> dict[str, Json] | None:
        """What the manifest notes of a stage; None where the stage is not done."""
        stages = self.manifest().get("stages")
        facts = stages.get(stage) if isinstance(stages, dict) else None
        return dict(facts) if isinstance(facts, dict) else None

    def is_done(self, stage: str) -> bool:
        return self.facts(stage) is not None

    def mark_done(self, stage: str, facts: Mapping[str, Json], sealed: Sequence[str] = ()) -> None:
        """Record a stage as finished; written last, after all of its files.

        Args:
            sealed: files whose checksums are noted, so that `damaged` knows when they are no longer what they were.
        """
        manifest = self.manifest()
        stages, checksums = _object(manifest.get("stages")), _object(manifest.get("checksums"))
        checksums |= {file: self._checksum(file) for file in sealed}
        noted: dict[str, Json] = {"checksums": checksums} if checksums else {}
        self.update_manifest({"stages": {**stages, stage: dict(facts)}, **noted})

    def damaged(self, files: Sequence[str]) -> list[str]:
        """Those of these files that changed since their stage was finished; one without a checksum is sound."""
        checksums = _object(self.manifest().get("checksums"))
        return [
            file for file in files if file in checksums and self._checksum(file) not in str(checksums[file]).split()
        ]

    def refuse_damaged(self, files: Sequence[str]) -> None:
        """For who reads files of a run and makes none again.

        Raises:
            DamagedFileError: one changed since its stage was finished.
        """
        for file in self.damaged(files):
            raise DamagedFileError(
                f"{self.path / file} is damaged: it is not what was written; "
                f"'auditor run --resume {self.path}' makes it again"
            )

    def _checksum(self, file: str) -> str:
        try:
            return sha256_of_file(self.path / file)
        except OSError:
            return "gone"

    def files_of(self, stage: str) -> tuple[str, ...]:
        """The files that a finished stage left, as the manifest lists them; none where it is not done."""
        listed = (self.facts(stage) or {}).get("files")
        return tuple(str(file) for file in listed) if isinstance(listed, list) else ()

    def forget(self, stages: Sequence[str], files: Sequence[str]) -> None:
        """Drop stages and the files of these patterns, so that they are made anew."""
        known = self.manifest().get("stages")
        kept = {name: facts for name, facts in known.items() if name not in stages} if isinstance(known, dict) else {}
        dropped = self.matching(files)
        checksums = _object(self.manifest().get("checksums"))
        left: dict[str, Json] = {file: value for file, value in checksums.items() if file not in dropped}
        self.update_manifest({"stages": kept, **({"checksums": left} if checksums else {})})
        for file in dropped:
            path = self.path / file
            with in_words(path):
                path.unlink()
                if path.parent != self.path and not any(path.parent.iterdir()):
                    path.parent.rmdir()

    def remove_unstarted(self) -> bool:
        """Remove a run folder that holds a manifest without a stage, and what it was given; whether it was removed."""
        with in_words(self.path):
            if self.manifest().get("stages") or {path.name for path in self.path.iterdir()} - set(GIVEN):
                return False
            shutil.rmtree(self.path)
        return True

    def write(self, file: str, data: bytes) -> None:
        with self._replacing(file) as temporary:
            temporary.write_bytes(data)

    def link(self, file: str, target: Path) -> None:
        """A link to a file elsewhere; where the file system makes none, a copy."""
        place = self.path / file
        with in_words(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            try:
                place.symlink_to(target.resolve())
            except OSError:
                self.write(file, target.read_bytes())

    def write_together(self, files: dict[str, bytes]) -> None:
        """Write several files that belong together: all of them beside themselves, then renamed in order.

        Where a checksum is noted of one, its new one is noted beside it before, so that who is killed in between leaves
        no file that looks damaged.
        """
        checksums = _object(self.manifest().get("checksums"))
        also = {file: f"{checksums[file]} {sha256_of(data)}" for file, data in files.items() if file in checksums}
        if also:
            self.update_manifest({"checksums": {**checksums, **also}})
        with contextlib.ExitStack() as ready:
            for file, data in reversed(files.items()):  # the last one that is entered is the first to be renamed
                ready.enter_context(self._replacing(file)).write_bytes(data)

    def write_text(self, file: str, text: str) -> None:
        self.write(file, text.encode("utf-8"))

    def write_json(self, file: str, value: Json) -> None:
        self.write_text(file, json_file(value))

    def write_table(self, file: str, table: pa.Table) -> None:
        with self._replacing(file) as temporary:
            write_parquet(temporary, table)

    def write_csv(self, file: str, table: pa.Table) -> None:
        """Write a table for people: its words are shown as in every report."""
        with self._replacing(file) as temporary:
            write_shown_csv(temporary, table)

    def write_array(self, file: str, array: np.ndarray) -> None:
        with self._replacing(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, array, allow_pickle=False)

    def write_arrays(self, file: str, arrays: Arrays) -> None:
        """Write named arrays as `auditor.core.arrays` does, without their bytes in memory beside them."""
        with self._replacing(file) as temporary, temporary.open("wb") as stream:
            write_arrays(stream, arrays)

    def join_tables(self, file: str, parts: Sequence[str]) -> int:
        """Concatenate tables as `join_parquet` does; how many rows there are in all."""
        with self._replacing(file) as temporary:
            return join_parquet(temporary, [self._there(part) for part in parts])

    def read(self, file: str) -> bytes:
        try:
            return read_file(self.path / file)
        except FileNotFoundError as error:
            raise StoreError(f"{self.path} holds no {file}; run the stage that makes it first") from error
        except OSError as error:
            raise DamagedFileError(f"{self.path / file} cannot be read: {error.strerror}") from error

    def read_text(self, file: str) -> str:
        try:
            return self.read(file).decode("utf-8")
        except UnicodeDecodeError as error:
            raise DamagedFileError(f"{self.path / file} is damaged: it is no text") from error

    def read_table(self, file: str) -> pa.Table:
        with open_parquet(self._there(file)) as stored:
            return stored.read()

    def _there(self, file: str) -> Path:
        if not self.has(file):
            raise StoreError(f"{self.path} holds no {file}; run the stage that makes it first")
        return self.path / file

    def read_arrays(self, file: str) -> dict[str, np.ndarray]:
        """The arrays of `write_arrays`; of a large file they are mapped, and read-only.

        Raises:
            StoreError: it is not there. DamagedFileError: it is damaged.
        """
        path = self.path / file
        try:
            large = path.stat().st_size >= MAPPED_FROM
            return map_arrays(path) if large else arrays_from_bytes(self.read(file))
        except FileNotFoundError as error:
            raise StoreError(f"{self.path} holds no {file}; run the stage that makes it first") from error
        except OSError as error:
            raise DamagedFileError(f"{self.path / file} cannot be read: {error.strerror}") from error

    def read_array(self, file: str) -> np.ndarray:
        """An array of `write_array`, mapped rather than read."""
        try:
            array: np.ndarray = np.load(self.path / file, mmap_mode="r", allow_pickle=False)
            return array
        except (OSError, ValueError, EOFError) as error:
            raise DamagedFileError(f"{self.path / file} cannot be read as an array: {error}") from error

    @contextlib.contextmanager
    def _replacing(self, file: str) -> Iterator[Path]:
        target = self.path / file
        if self._writable is not None and not any(matches(file, one) for one in (*self._writable, MANIFEST)):
            raise StoreError(f"{file} belongs to another stage than the one that writes {', '.join(self._writable)}")
        with in_words(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as temporary:
                yield temporary


def json_file(value: Json) -> str:
    """A value as the text of a JSON file."""
    return json_text(value, indent=2) + "\n"


def _object(value: Json) -> dict[str, Json]:
    """A JSON object's own copy; an empty one in the place of anything else."""
    return dict(value) if isinstance(value, Mapping) else {}


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[RunFolder]:
    """A new folder that is whole or not there: filled beside its place, and renamed when the body has ended well.

    Raises:
        StoreError: the place is taken (an empty folder is none), or cannot be written.
    """
    with in_words(path, "give this command again"):
        if os.path.lexists(path) and (path.is_symlink() or not path.is_dir() or any(path.iterdir())):
            raise StoreError(f"{path} already exists and is not empty; choose another folder with --out")
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=".", suffix=".part"))
    try:
        yield RunFolder(beside)
        with in_words(path, "give this command again"):
            beside.chmod(0o755)
            beside.replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def matches(file: str, pattern: str) -> bool:
    """Whether a file's name is one of a pattern's, in which `*` stays within a folder."""
    names, wanted = file.split("/"), pattern.split("/")
    return len(names) == len(wanted) and all(map(fnmatch.fnmatchcase, names, wanted))
