"""The run folder: atomic writes, hashes, what is done already. The only module of the package that writes files."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import fnmatch
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from auditor.core.addresses import address_of
from auditor.core.errors import DamagedFileError, StoreError, is_full_disk
from auditor.core.files import read_file
from auditor.core.hashing import sha256_of, sha256_of_file
from auditor.core.plain_text import json_text, plain, utf8

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]

MANIFEST = "manifest.json"
GIVEN = (MANIFEST, "policy.toml")
"""What lies in a run folder before anything is made."""

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
            raise StoreError(f"a run folder cannot lie at {address}: it needs a file system, which machines may share")
        with _in_words(path):
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
        with _in_words(self.path):
            handle = os.open(self.path, os.O_RDONLY)
        try:
            _lock(handle, self.path)
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
            with _in_words(path):
                path.unlink()
                if path.parent != self.path and not any(path.parent.iterdir()):
                    path.parent.rmdir()

    def remove_unstarted(self) -> bool:
        """Remove a run folder that holds a manifest without a stage, and what it was given; whether it was removed."""
        with _in_words(self.path):
            if self.manifest().get("stages") or {path.name for path in self.path.iterdir()} - set(GIVEN):
                return False
            shutil.rmtree(self.path)
        return True

    def write(self, file: str, data: bytes) -> None:
        with self._replacing(file) as temporary:
            temporary.write_bytes(data)

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
        with self._replacing(file) as temporary, _for_arrow(temporary, "wb") as place:
            pq.write_table(table, place, compression="zstd")

    def write_csv(self, file: str, table: pa.Table) -> None:
        """Write a table for people: its words are shown as in every report."""
        shown = [
            {name: plain(one) if isinstance(one, str) else one for name, one in row.items()}
            for row in table.to_pylist()
        ]
        with self._replacing(file) as temporary, _for_arrow(temporary, "wb") as place:
            pyarrow.csv.write_csv(pa.Table.from_pylist(shown, table.schema), place)

    def write_array(self, file: str, array: np.ndarray) -> None:
        with self._replacing(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, array, allow_pickle=False)

    def join_tables(self, file: str, parts: Sequence[str]) -> int:
        """Concatenate parquet files, thousands of rows at a time: memory does not grow with their number.

        A column that a part lacks is null in its rows. Small parts are gathered before they are written: a group of
        rows for each would cost more than its numbers.

        Returns:
            How many rows there are in all.
        """
        rows = 0
        with self._replacing(file) as temporary, _for_arrow(temporary, "wb") as place:
            writer: pq.ParquetWriter | None = None
            try:
                schema = pa.unify_schemas([self._schema(part) for part in parts])
                for table in _gathered(self.read_table(part) for part in parts):
                    writer = writer or pq.ParquetWriter(place, schema, compression="zstd")
                    writer.write_table(pa.concat_tables([schema.empty_table(), table], promote_options="default"))
                    rows += len(table)
            finally:
                if writer:
                    writer.close()
        return rows

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
        with self._parquet(file) as stored:
            return stored.read()

    def _schema(self, file: str) -> pa.Schema:
        with self._parquet(file) as stored:
            return stored.schema_arrow

    @contextlib.contextmanager
    def _parquet(self, file: str) -> Iterator[pq.ParquetFile]:
        if not self.has(file):
            raise StoreError(f"{self.path} holds no {file}; run the stage that makes it first")
        try:
            with _for_arrow(self.path / file, "rb") as place, pq.ParquetFile(place) as stored:
                yield stored
        except (OSError, pa.ArrowException) as error:
            raise DamagedFileError(f"{self.path / file} cannot be read as parquet: {error}") from error

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
        with _in_words(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
            os.close(handle)
            temporary = Path(name)
            try:
                yield temporary
                temporary.chmod(0o644)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)


def json_file(value: Json) -> str:
    """A value as the text of a JSON file."""
    return json_text(value, indent=2) + "\n"


def _object(value: Json) -> dict[str, Json]:
    """A JSON object's own copy; an empty one in the place of anything else."""
    return dict(value) if isinstance(value, Mapping) else {}


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            return  # some network drives lock no folders; there a run is as safe as its user makes it
        raise StoreError(
            f"another auditor is at work in {folder}; wait until it has ended, or stop it, and give this command again"
        ) from error


@contextlib.contextmanager
def _for_arrow(path: Path, mode: Literal["rb", "wb"]) -> Iterator[Path | BinaryIO]:
    """A file as Arrow takes it: by its path, or open where that is no UTF-8."""
    if utf8(str(path)) == str(path):
        yield path
    else:
        with path.open(mode) as stream:
            yield stream


_GATHERED_ROWS = 2**15


def _gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of tables in tables of some thousands, the last one smaller."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= _GATHERED_ROWS:
            yield pa.concat_tables(waiting, promote_options="default")
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting, promote_options="default")


@contextlib.contextmanager
def _in_words(path: Path, again: str = "continue with 'auditor run --resume'") -> Iterator[None]:
    """Turn what the file system refuses into a sentence; `again` says how to go on once there is space."""
    try:
        yield
    except OSError as error:
        if is_full_disk(error):
            said = f"the disk is full; free some space, then {again}"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            said = "it is not writable for you; choose another folder with --out"
        else:
            said = error.strerror or str(error)
        raise StoreError(f"cannot write {path}: {said}. What was finished before is kept.") from error


def write_new_file(path: Path, text: str) -> None:
    """Write a text file that must not exist yet.

    Raises:
        StoreError: it exists, or cannot be written.
    """
    with _in_words(path, "give this command again"):
        if os.path.lexists(path):
            raise StoreError(f"{path} already exists; it is left as it is. Choose another name.")
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        os.close(handle)
        temporary = Path(name)
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[RunFolder]:
    """A new folder that is whole or not there: filled beside its place, and renamed when the body has ended well.

    Raises:
        StoreError: the place is taken (an empty folder is none), or cannot be written.
    """
    with _in_words(path, "give this command again"):
        if os.path.lexists(path) and (path.is_symlink() or not path.is_dir() or any(path.iterdir())):
            raise StoreError(f"{path} already exists and is not empty; choose another folder with --out")
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=".", suffix=".part"))
    try:
        yield RunFolder(beside)
        with _in_words(path, "give this command again"):
            beside.chmod(0o755)
            beside.replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file, which is made if need be; what stands in it stays.

    The line goes out in one write at the file's end, so that two runs at once do not mix theirs. Behind half a line,
    which an interruption may have left, it begins anew.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("a+b", buffering=0) as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(f"{line}\n".encode())


def matches(file: str, pattern: str) -> bool:
    """Whether a file's name is one of a pattern's, in which `*` stays within a folder."""
    names, wanted = file.split("/"), pattern.split("/")
    return len(names) == len(wanted) and all(map(fnmatch.fnmatchcase, names, wanted))
