"""Choosing a device: what is there, what is refused, and how it is named."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator

import pytest
import torch

from auditor.core.errors import DeviceError
from auditor.inputs.model.device import choose_device, describe_device, in_fixed_order, reuse_large_blocks

Switches = list[tuple[object, str]]


@pytest.fixture
def switches() -> Iterator[Switches]:
    """What decides about a GPU's numbers, all the wrong way, and afterwards as it was."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    which: Switches = [(cudnn, "benchmark"), (cudnn, "deterministic"), (cudnn, "allow_tf32"), (matmul, "allow_tf32")]
    before = [getattr(place, name) for place, name in which]
    for place, name in which:
        setattr(place, name, name != "deterministic")
    yield which
    for (place, name), value in zip(which, before, strict=True):
        setattr(place, name, value)


def test_a_gpu_is_set_up_to_repeat_its_numbers_wherever_it_is_chosen(
    switches: Switches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    kept = []
    monkeypatch.setattr("auditor.inputs.model.device.reuse_large_blocks", lambda: kept.append(True))
    choose_device("cpu")
    assert [getattr(place, name) for place, name in switches] == [True, False, True, True]
    choose_device("auto")
    assert [getattr(place, name) for place, name in switches] == [False, True, False, False]
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert kept == [True, True]


def test_a_fixed_order_ends_with_the_body_and_is_a_gpus_alone() -> None:
    with in_fixed_order(torch.device("cpu")):
        assert not torch.are_deterministic_algorithms_enabled()
    with in_fixed_order(torch.device("cuda", 0)):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


def test_auto_takes_the_first_cuda_device_or_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == torch.device("cuda", 0)
    assert choose_device("cuda") == torch.device("cuda", 0)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_cuda_where_there_is_none_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"sees no CUDA device; there is cpu .*use 'cpu' or 'auto'"):
        choose_device(name)


def test_an_index_beyond_the_last_device_names_those_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class Properties:
        name = "NVIDIA H200"
        total_memory = 140 * 2**30

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Properties())
    with pytest.raises(DeviceError, match=r"'cuda:3' .* only: cuda:0 NVIDIA H200, 140 GiB"):
        choose_device("cuda:3")


@pytest.mark.parametrize("name", ["tpu", "cuda:", "cuda:x", ""])
def test_other_words_are_refused(name: str) -> None:
    with pytest.raises(DeviceError, match="must be 'auto', 'cpu', 'cuda' or 'cuda:N'"):
        choose_device(name)


def test_the_cpu_is_described_by_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert describe_device(torch.device("cpu")) == "cpu (2 threads)"


def test_large_blocks_are_kept_only_by_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert reuse_large_blocks() is False
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert reuse_large_blocks() is False
