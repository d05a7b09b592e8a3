"""Whether a run goes on with what it was begun with: noted in its manifest once, compared whenever it is opened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from auditor.core.config import AuditConfig
from auditor.core.errors import StoreError
from auditor.core.hashing import sha256_of
from auditor.core.progress import Progress
from auditor.core.records import ImageRecord
from auditor.inputs.fingerprints import (
    KINDS,
    PICTURES,
    UNLABELLED,
    Files,
    Fingerprint,
    compare,
    files_of,
    network_sha256,
)
from auditor.inputs.images.sources import whereabouts
from auditor.inputs.opening import Inputs
from auditor.run.folder import Json, RunFolder

_NOTED = "inputs"
"""What of the manifest holds it: the settings' sha256, the network's where code brings its weights, and the files."""

_RUNNER_BEFORE = "onnxruntime"
"""What ran saved networks that several could run, before manifests said it."""

_PICTURES = (PICTURES, UNLABELLED)

_ADVICE = "put back what was there, or start a new run: what is measured already belongs to what was there"


def check_files(folder: RunFolder, config: AuditConfig, progress: Progress) -> None:
    """Make sure that every file that decides a number is what it was when the run was begun. No model is loaded.

    A run of an earlier version noted none of them; that is said.

    Raises:
        StoreError: the settings or a file changed, is gone or is new; names them, and says what to do.
    """
    noted = _noted(folder)
    if noted is None:
        if folder.manifest().get("stages"):
            progress.say(
                "an earlier version of auditor began this run and noted no fingerprints, so nobody can tell whether "
                "its pictures, names, annotations and code are what they were: go on only if nothing was changed"
            )
        return
    then = _files(noted)
    compared = compare(config, then)
    changes = [*_settings_changed(folder, noted), *compared.changes]
    if changes:
        raise StoreError(f"since {folder.path} was begun, something changed: {'; '.join(changes)}; {_ADVICE}")
    if compared.now != then:  # touched, but of the same content: the next time it need not be read
        _note(folder, {**noted, "files": _as_json(compared.now)})


def check_network(folder: RunFolder, inputs: Inputs) -> None:
    """Make sure that weights, or what code brings as weights, are those the run was begun with; note all of it once.

    Raises:
        StoreError: they are others.
    """
    weights_path, weights_sha256 = inputs.loaded.weights_path, inputs.loaded.weights_sha256
    recorded = folder.manifest().get("weights_sha256")
    if recorded is not None and recorded != weights_sha256:
        raise StoreError(
            f"the weights {weights_path} have changed since {folder.path} was begun "
            f"(sha256 {weights_sha256[:12]}…, then {str(recorded)[:12]}…); {_ADVICE}"
        )
    now = inputs.loaded.run_by
    then = folder.manifest().get("run_by", _RUNNER_BEFORE if now else now)
    if recorded is not None and now != then:
        raise StoreError(
            f"{inputs.config.model.name} was run by {then} when {folder.path} was begun, and {now} would run it now; "
            "bring back the packages of then, or start a new run"
        )
    noted = _noted(folder)
    if noted is None and folder.manifest().get("stages"):
        return
    network = "" if weights_path else network_sha256(inputs.classifier.module)
    if noted is None:
        kinds = [kind for kind in KINDS if kind not in _PICTURES]  # pictures are noted when they are read
        files = {
            kind: {name: Fingerprint.of(path) for name, path in files_of(inputs.config, kind).items()} for kind in kinds
        }
        settings = settings_sha256(folder)
        _note(folder, {"settings": settings, "network": network, "files": _as_json(files)})
    elif noted.get("network") != network:
        raise StoreError(
            f"the network that {inputs.config.model.name} builds has other weights than when {folder.path} was begun; "
            f"{_ADVICE}, and if its weights are drawn at random, save them and give them as [model] weights"
        )


def seen_pictures(folder: RunFolder, config: AuditConfig) -> Files:
    """Size and times of a run's pictures before they are read, by kind; none for a run that noted nothing else."""
    if _noted(folder) is None:
        return {}
    return {
        kind: {name: Fingerprint.unread(path) for name, path in files_of(config, kind).items()} for kind in _PICTURES
    }


def note_pictures(folder: RunFolder, config: AuditConfig, seen: Files, read: Iterable[ImageRecord]) -> None:
    """Note every picture of the sources by its content, also those that could not be used.

    Args:
        seen: as before they were read. read: those whose content is known already.
    """
    noted = _noted(folder)
    if noted is None:
        return
    known = {image.path: image.sha256 for image in read}
    pictures = {
        kind: {
            name: replace(one, sha256=known[name]) if name in known else Fingerprint.of(Path(whereabouts(name, config)))
            for name, one in of_kind.items()
        }
        for kind, of_kind in seen.items()
    }
    _note(folder, {**noted, "files": _as_json({**_files(noted), **pictures})})


def _as_json(files: Files) -> Json:
    return {kind: {name: str(one) for name, one in of_kind.items()} for kind, of_kind in files.items()}


def _files(noted: Mapping[str, Json]) -> dict[str, dict[str, Fingerprint]]:
    try:
        kinds = TypeAdapter(dict[str, dict[str, str]]).validate_python(noted.get("files"))
        return {
            kind: {name: Fingerprint.read(text) for name, text in of_kind.items()} for kind, of_kind in kinds.items()
        }
    except ValueError as error:
        raise StoreError(
            "the manifest's fingerprints are damaged, so nobody can tell what changed since; start a new run"
        ) from error


def _settings_changed(folder: RunFolder, noted: Mapping[str, Json]) -> list[str]:
    same = noted.get("settings") == settings_sha256(folder)
    return [] if same else ["the settings in its manifest changed"]


def settings_sha256(folder: RunFolder) -> str:
    """Of the settings as they stand in the manifest."""
    return sha256_of(json.dumps(folder.manifest().get("config"), sort_keys=True).encode())


def _noted(folder: RunFolder) -> dict[str, Json] | None:
    noted = folder.manifest().get(_NOTED)
    return dict(noted) if isinstance(noted, dict) else None


def _note(folder: RunFolder, noted: Mapping[str, Json]) -> None:
    folder.update_manifest({_NOTED: noted})
