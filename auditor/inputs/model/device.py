"""Choose the device, make the settings by which its numbers repeat, and name it. Ends before any model."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from auditor.core.errors import DeviceError
from auditor.core.records import FloatArray

# mallopt's parameter numbers, from glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_MAX = -4
_TOP_PAD_BYTES = 64 * 2**20


def choose_device(name: str) -> torch.device:
    """Turn 'auto', 'cpu', 'cuda' or 'cuda:N' into a device that is there, and set the process up for it.

    Every command takes its device from here, so all compute alike: large blocks of memory are kept for the next step
    (`reuse_large_blocks`), and a GPU gives the same numbers every time, close to the CPU's (`repeat_numbers`).

    Raises:
        DeviceError: CUDA was asked for where there is none, or a number beyond the last device, or another word.
    """
    device = _device_named(name)
    reuse_large_blocks()
    if device.type == "cuda":
        repeat_numbers()
    return device


def repeat_numbers() -> None:
    """For the rest of the process: no kernels picked by timing, no shortened floats, sums in a fixed order."""
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    # read when the first matrices are multiplied; a workspace of fixed size keeps their sums in one order
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@contextmanager
def in_fixed_order(device: torch.device) -> Iterator[None]:
    """Within the body, gradients on a GPU add up in one fixed order, for whatever has such a form in torch.

    torch warns of what has none. On a CPU the order is fixed as it is. Not for whole runs: some forms are far slower,
    also of operations that are none the worse without.
    """
    if device.type == "cpu":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def off_the_device(*tables: Tensor) -> list[FloatArray]:
    """(N, …) tables of numbers as float32 arrays, in one copy: a GPU is waited for at each."""
    together = torch.cat([table.detach().float() for table in tables], dim=1).cpu().numpy()
    ends = np.cumsum([table.shape[1] for table in tables])[:-1]
    return [np.ascontiguousarray(part) for part in np.split(together, ends, axis=1)]


def _device_named(name: str) -> torch.device:
    devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda", 0) if devices else torch.device("cpu")
    if name == "cpu":
        return torch.device("cpu")
    kind, _, number = name.partition(":")
    if kind != "cuda" or not (name == "cuda" or number.isdecimal()):
        raise DeviceError(f"device must be 'auto', 'cpu', 'cuda' or 'cuda:N', got {name!r}")
    if not devices:
        raise DeviceError(
            f"device {name!r} was asked for, but this torch ({torch.__version__}) sees no CUDA device; "
            f"there is {describe_device(torch.device('cpu'))}: use 'cpu' or 'auto'"
        )
    index = int(number) if number else 0
    if index >= devices:
        there = ", ".join(describe_device(torch.device("cuda", each)) for each in range(devices))
        raise DeviceError(f"device {name!r} was asked for, but there are only: {there}")
    return torch.device("cuda", index)


def describe_device(device: torch.device) -> str:
    """Name a device for a person: 'cpu (2 threads)' or 'cuda:0 NVIDIA H200, 140 GiB'."""
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({threads} thread{'s' if threads != 1 else ''})"
    if device.type == "cuda":
        index = device.index if device.index is not None else torch.cuda.current_device()
        properties = torch.cuda.get_device_properties(index)
        return f"cuda:{index} {properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    return str(device)


def reuse_large_blocks() -> bool:
    """Have the C allocator keep large blocks of memory for the next step, for the rest of the process.

    By default glibc maps every large tensor afresh and unmaps it when freed, so that each step of a network pays
    for page faults, which can cost more than its arithmetic. The price is that memory once used stays with the
    process. Call it once, early, before tensors are made.

    Returns:
        Whether the allocator took the settings; False where it is not glibc's, where nothing is changed.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, _TOP_PAD_BYTES))
    taken = [mallopt(parameter, value) == 1 for parameter, value in settings]
    return all(taken)
