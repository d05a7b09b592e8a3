"""What can go wrong, in the user's words. Every error says what was expected, what came, and what to do."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable


class AuditorError(Exception):
    """An audit that could not be made. The command line prints the message and exits with 2."""


class ConfigError(AuditorError):
    """The configuration file or a flag is malformed, unknown or contradictory."""


class UnknownNameError(AuditorError):
    """A layer, class, model or key that does not exist; carries the nearest that do."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str, hint: str = "") -> None:
        self.kind, self.name, self.where = kind, name, where
        self.nearest = nearest_names(name, known)
        did_you_mean = f"; the nearest is {self.nearest[0]!r}" if self.nearest else ""
        super().__init__(f"{kind} {name!r} is not in {where}{did_you_mean}{f' ({hint})' if hint else ''}")


class ModelError(AuditorError):
    """The model or its weights cannot be loaded, or its output is not (B, K) finite logits."""


class LayerError(AuditorError):
    """The layer cannot be mapped: it does not run, its output is not a grid, or the network goes around it."""


class ImageError(AuditorError):
    """Images that cannot serve: no folder, no class, no picture left."""


class UnreadableImageError(AuditorError):
    """One picture that cannot be used; caught, counted and named in the report."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class AnnotationError(AuditorError):
    """Boxes or masks that cannot be read or do not fit their pictures."""


class PatchError(AuditorError):
    """A patch file or its description cannot be used."""


class TrainingError(AuditorError):
    """A patch could not be trained, because the network gives its pixels no gradient."""


class DeviceError(AuditorError):
    """The device asked for is not there."""


class DeviceMemoryError(AuditorError):
    """Memory, of the device or of the machine, does not hold the work at hand; a smaller batch may."""


class StoreError(AuditorError):
    """The run folder cannot be written, already exists, or does not hold what is needed."""


class DamagedFileError(StoreError):
    """A file of a run folder is not what was written there; what made it makes it again where that is possible."""


class WorkerError(AuditorError):
    """A process that shared the work is gone."""


class NoEligibleImagesError(AuditorError):
    """A rate was asked for, but no image is eligible."""


def is_full_disk(error: BaseException) -> bool:
    """Whether an error says that a disk, or a user's share of it, is full. numpy and Arrow say so in words alone."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "free space" in str(error) or "No space left" in str(error)


_SAYING_MEMORY = (
    "DefaultCPUAllocator",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUDA out of memory",
    "Cannot allocate memory",  # the operating system's own words, of a file of weights that is mapped
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out.

    torch's own type is known by its name, since no torch is loaded here; its libraries have words alone.
    """
    if isinstance(error, (MemoryError, DeviceMemoryError)) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _SAYING_MEMORY)


def first_line(error: BaseException) -> str:
    """What an error says, in one line: the first, or the last where TorchScript's interpreter shows its stack above."""
    lines = str(error).strip().splitlines() or ["no message"]
    return lines[-1].removeprefix(f"{type(error).__name__}: ") if "TorchScript interpreter" in lines[0] else lines[0]


def nearest_names(name: str, known: Iterable[str], most: int = 3, cutoff: float = 0.4) -> list[str]:
    """Known names most like `name`, best first; case and separators do not count."""
    by_plain: dict[str, str] = {}
    for candidate in known:
        by_plain.setdefault(_plain(candidate), candidate)
    plain_matches = difflib.get_close_matches(_plain(name), list(by_plain), n=most, cutoff=cutoff)
    return [by_plain[match] for match in plain_matches]


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum() or character == ".")
