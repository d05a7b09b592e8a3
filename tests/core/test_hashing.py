"""Hashes agree with published ones, and a file's with that of its bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.core.hashing import sha256_of, sha256_of_file

# FIPS 180-2, appendix B.1.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_standards_example(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(b"abc") == ABC
    assert sha256_of_file(tmp_path / "abc") == ABC


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sha256_of_file(tmp_path / "none")
