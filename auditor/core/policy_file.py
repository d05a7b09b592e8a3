"""Policies read from files: a team's own, and the one that ships."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import ValidationError

from auditor.core.config import problems_of, toml_values
from auditor.core.errors import ConfigError
from auditor.core.files import read_file
from auditor.core.hashing import sha256_of
from auditor.core.policy import Policy
from auditor.core.records.policy import PolicyInForce

DEFAULT_FILE = Path(__file__).parent / "default-policy.toml"


def today() -> date:
    """The day on which waivers are looked at: UTC, wherever the machine stands."""
    return datetime.now(UTC).date()


def read_policy(path: Path, on: date | None = None) -> PolicyInForce:
    """Read and validate a policy.

    Args:
        on: the day on which its waivers are looked at; None: today.
    Raises:
        ConfigError: no file, not TOML, an unknown item, a limit or a day that is none, a waiver of no item.
    """
    return policy_of(policy_bytes(path), str(path), path.name, on)


def policy_bytes(path: Path) -> bytes:
    """A policy's file as it is.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    try:
        return read_file(path)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no policy {path}; 'auditor policy {path}' writes one to start from") from error
    except OSError as error:
        raise ConfigError(f"the policy {path} cannot be read: {error.strerror}") from error


def policy_of(data: bytes, where: str, name: str, on: date | None = None) -> PolicyInForce:
    """A policy of the bytes of its file.

    Args:
        where: what messages call the file; name: what checklists call it.
    Raises:
        ConfigError: as `read_policy`.
    """
    values = toml_values(data, where)
    try:
        policy = Policy.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {problems_of(error, Policy)}") from error
    return PolicyInForce(policy, sha256_of(data), name, on or today())


@functools.cache
def _shipped() -> bytes:
    return DEFAULT_FILE.read_bytes()


def default_policy_text() -> str:
    """The policy that ships, with its comments."""
    return _shipped().decode("utf-8")


@functools.cache
def default_policy() -> PolicyInForce:
    """The policy that a checklist is made by where nobody gave one."""
    policy = Policy.model_validate(toml_values(_shipped(), "the default policy"))
    return PolicyInForce(policy, sha256_of(_shipped()), "", date.max)
