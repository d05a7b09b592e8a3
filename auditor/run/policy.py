"""A run's policy and the decisions under its reports: kept in its folder, and read back. It loads no network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from auditor.core.errors import ConfigError, StoreError
from auditor.core.policy_file import policy_bytes, policy_of
from auditor.core.records import AuditResult
from auditor.core.records.policy import PolicyInForce, SignOff
from auditor.run.folder import MANIFEST, RunFolder

POLICY, SIGN_OFF = "policy.toml", "sign-off.json"


def checked_policy(path: Path) -> bytes:
    """A policy's file, to be kept by `keep_policy`.

    Raises:
        ConfigError: it is no policy.
    """
    data = policy_bytes(path)
    policy_of(data, str(path), path.name)
    return data


def keep_policy(folder: RunFolder, data: bytes) -> None:
    """Copy a policy into a run folder: the run is held to it from now on, wherever it is moved to."""
    folder.write(POLICY, data)


def policy_in_force(folder: RunFolder) -> PolicyInForce | None:
    """What a run is held to today; a folder inside a run that has none of its own takes the run's.

    Raises:
        StoreError: the copy in the folder was damaged.
    """
    for one in (folder, _outer(folder)):
        if one is not None and one.has(POLICY):
            try:
                return policy_of(one.read(POLICY), str(one.path / POLICY), POLICY)
            except ConfigError as error:
                put_back = f"'auditor report {one.path} --policy FILE' puts a policy in its place"
                raise StoreError(f"{error}; {put_back}") from error
    return None


def _outer(folder: RunFolder) -> RunFolder | None:
    """The run that a folder of brought patches, or of a later look, lies in."""
    above = folder.path.resolve().parents
    return RunFolder(above[1]) if len(above) > 1 and (above[1] / MANIFEST).is_file() else None


def decisions(folder: RunFolder) -> tuple[SignOff, ...]:
    """People's decisions under reports of this run, in their order.

    Raises:
        StoreError: the file that holds them is damaged.
    """
    if not folder.has(SIGN_OFF):
        return ()
    try:
        return TypeAdapter(tuple[SignOff, ...]).validate_json(folder.read(SIGN_OFF))
    except ValidationError as error:
        raise StoreError(
            f"{folder.path / SIGN_OFF} is damaged, and nobody but who signed knows what it held; put back a copy, or "
            "take it away and sign anew"
        ) from error


def under_policy(folder: RunFolder, result: AuditResult) -> AuditResult:
    """A result with the policy that its run is held to, and the decisions under its reports."""
    return replace(result, policy=policy_in_force(folder), signed=decisions(folder))
