"""The run folder: atomic writes, hashes, what is done already. The only module of the package that writes files."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from auditor.core.errors import StoreError

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]

MANIFEST = "manifest.json"


class RunFolder:
    """One run's folder. A file in it is either whole or not there: each is written beside itself and renamed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, facts: Mapping[str, Json] | None = None) -> RunFolder:
        """Make a new run folder whose manifest holds `facts` and no stage.

        Raises:
            StoreError: it exists and is not empty, or it cannot be made.
        """
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
            run.write_json(MANIFEST, {**outer.manifest(), "stages": {}})
        return run

    @property
    def name(self) -> str:
        return self.path.resolve().name

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

    def is_done(self, stage: str) -> bool:
        stages = self.manifest().get("stages")
        return isinstance(stages, dict) and stage in stages

    def mark_done(self, stage: str, facts: Mapping[str, Json]) -> None:
        """Record a stage as finished; written last, after all of its files."""
        stages = self.manifest().get("stages")
        self.update_manifest({"stages": {**(stages if isinstance(stages, dict) else {}), stage: dict(facts)}})

    def forget(self, stages: Sequence[str], files: Sequence[str]) -> None:
        """Drop stages and their files or folders, so that they are made anew."""
        known = self.manifest().get("stages")
        kept = {name: facts for name, facts in known.items() if name not in stages} if isinstance(known, dict) else {}
        self.update_manifest({"stages": kept})
        for file in files:
            path = self.path / file
            with _in_words(path):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def remove_unstarted(self) -> bool:
        """Remove a run folder that holds a manifest without a stage and nothing else; whether it was removed."""
        with _in_words(self.path):
            if self.manifest().get("stages") or [path.name for path in self.path.iterdir()] != [MANIFEST]:
                return False
            shutil.rmtree(self.path)
        return True

    def write_bytes(self, file: str, data: bytes) -> None:
        with self._replacing(file) as temporary:
            temporary.write_bytes(data)

    def write_text(self, file: str, text: str) -> None:
        self.write_bytes(file, text.encode("utf-8"))

    def write_json(self, file: str, value: Json) -> None:
        self.write_text(file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def write_table(self, file: str, table: pa.Table) -> None:
        with self._replacing(file) as temporary:
            pq.write_table(table, temporary, compression="zstd")

    def write_csv(self, file: str, table: pa.Table) -> None:
        with self._replacing(file) as temporary:
            pyarrow.csv.write_csv(table, temporary)

    def write_array(self, file: str, array: np.ndarray) -> None:
        with self._replacing(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, array, allow_pickle=False)

    def join_tables(self, file: str, parts: Sequence[str]) -> None:
        """Concatenate parquet files of one schema, one at a time: memory does not grow with their number."""
        with self._replacing(file) as temporary:
            writer: pq.ParquetWriter | None = None
            try:
                for part in parts:
                    table = self.read_table(part)
                    writer = writer or pq.ParquetWriter(temporary, table.schema, compression="zstd")
                    writer.write_table(table)
            finally:
                if writer:
                    writer.close()

    def read_bytes(self, file: str) -> bytes:
        try:
            return (self.path / file).read_bytes()
        except FileNotFoundError as error:
            raise StoreError(f"{self.path} holds no {file}; run the stage that makes it first") from error
        except OSError as error:
            raise StoreError(f"{self.path / file} cannot be read: {error.strerror}") from error

    def read_text(self, file: str) -> str:
        return self.read_bytes(file).decode("utf-8")

    def read_table(self, file: str) -> pa.Table:
        if not self.has(file):
            raise StoreError(f"{self.path} holds no {file}; run the stage that makes it first")
        try:
            return pq.read_table(self.path / file, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{self.path / file} cannot be read as parquet: {error}") from error

    def read_array(self, file: str) -> np.ndarray:
        """An array of `write_array`, mapped rather than read."""
        try:
            array: np.ndarray = np.load(self.path / file, mmap_mode="r", allow_pickle=False)
            return array
        except (OSError, ValueError) as error:
            raise StoreError(f"{self.path / file} cannot be read as an array: {error}") from error

    def names(self, folder: str, suffix: str) -> list[str]:
        """Stems of a folder's files, sorted."""
        return sorted(path.stem for path in (self.path / folder).glob(f"*{suffix}"))

    @contextlib.contextmanager
    def _replacing(self, file: str) -> Iterator[Path]:
        target = self.path / file
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


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence."""
    try:
        yield
    except OSError as error:
        # numpy and Arrow tell a full disk in words of their own, without the number
        if error.errno == errno.ENOSPC or "free space" in str(error) or "No space left" in str(error):
            said = "the disk is full; free some space, then continue with 'auditor run --resume'"
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
    with _in_words(path):
        if path.exists():
            raise StoreError(f"{path} already exists; it is left as it is. Choose another name.")
        path.write_text(text, encoding="utf-8")


def slug(text: str) -> str:
    """A name fit for a file: lower case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
