"""A part of the matrix of networks in every run of the suite, and what becomes of those that fail in each way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from auditor.core.errors import DeviceMemoryError, LayerError
from benchmarks.candidates.pages import update_page
from benchmarks.models import rows
from benchmarks.models.families import TIMM, all_names, family_of, hugging_face_families
from benchmarks.models.matrix import MARK
from benchmarks.models.pages import matrix_page
from benchmarks.models.passage import NotTriedError, Passed, WrongNumbersError, pass_through
from benchmarks.models.random_weights import randomise
from benchmarks.models.rows import Processes, Row, keep_row, read_rows

KINDS = (
    "timm/test_coatnet",  # convolutions, then attention over tokens
    "timm/test_convnext",  # a norm of each position in front of the next stage
    "timm/test_efficientnet_ln",  # its documented layer cannot be mapped, another is found by trying
    "timm/test_mambaout",  # channels last
    "timm/test_nfnet",  # no norm at all
    "timm/test_resnet",
    "timm/test_vit",  # a class token
    "timm/test_vit3",  # attention pooling over all tokens
    "hf/clip",
)
"""Timm's are made for its tests; each takes half a second."""


@pytest.mark.parametrize("name", KINDS)
def test_a_network_comes_to_the_end(name: str) -> None:
    threads, heard = torch.get_num_threads(), []
    try:
        pass_through(name, heard.append)
    finally:
        torch.set_num_threads(threads)
    passed = heard[-1]
    assert passed.step == "icon"
    assert passed.layer
    assert 0 < passed.difference < 1e-4


def test_names_are_one_a_family() -> None:
    assert len({family_of(name) for name in TIMM}) == len(TIMM) > 150
    assert set(TIMM) <= set(timm.list_models())
    assert {family_of(name) for name in timm.list_models(exclude_filters=["test_*"])} == set(map(family_of, TIMM))
    assert len(hugging_face_families()) > 15
    assert len(all_names()) == len(set(all_names()))


def test_random_weights_are_constant_nowhere_and_known_to_norms() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2))
    nn.init.zeros_(network[3].weight)
    randomise(network, network, (8, 8))
    assert all(len(each.flatten().unique()) > 1 for each in network.parameters())
    assert not network[1].training
    with torch.no_grad():
        normalised = network[1](network[0](torch.rand(32, 3, 8, 8) * 2 - 1))
    assert 0.1 < float(normalised.std()) < 10


def leave() -> None:
    os._exit(7)


def burn() -> None:
    while True:
        pass


@pytest.mark.parametrize(
    ("fate", "outcome", "said"),
    [
        (LayerError("no layer can be mapped"), "refused", "no layer can be mapped"),
        (DeviceMemoryError("batch too large"), "too large", "memory of this run does not hold it: batch too large"),
        (RuntimeError("DefaultCPUAllocator: can't allocate"), "too large", "memory of this run"),
        (WrongNumbersError("by 0.3"), "wrong", "by 0.3"),
        (NotTriedError("needs natten"), "not tried", "needs natten"),
        (KeyError("layer"), "crash", "KeyError: 'layer'"),
        (SystemExit(0), "crash", "SystemExit: 0"),
        (leave, "crash", "its process ended with exit code 7"),
        (burn, "too slow", "not at its end after 1 s of the processor"),
        (None, "ok", ""),
    ],
)
def test_what_becomes_of_a_network(fate: object, outcome: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stand_in(name: str, tell: object) -> None:
        tell(Passed("cut", layer=name))
        if isinstance(fate, BaseException):
            raise fate
        if fate is not None:
            fate()

    monkeypatch.setattr(rows, "START", "fork")
    monkeypatch.setattr(rows, "pass_through", stand_in)
    row = Processes(64, 1).row("some")
    assert (row.name, row.outcome, row.passed) == ("some", outcome, Passed("cut", layer="some"))
    assert row.said.startswith(said)
    assert bool(row.said) == bool(said)


def test_rows_are_read_back_and_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert read_rows(path) == {}
    passed = Passed(
        "icon", 1_500_000, (64, 64), True, "body", "found by trying", (8, 4, 4), "two backward passes", 2e-6
    )
    told = [
        Row("alexnet", "refused", "no such | layer", 1.0, Passed("cut")),
        Row("timm/test_vit", "ok", "", 2.5, passed),
        Row("alexnet", "refused", "it says\nthis | that", 1.0, Passed("cut")),
    ]
    for row in told:
        keep_row(path, row)
    assert read_rows(path) == {"alexnet": told[2], "timm/test_vit": told[1]}
    page = tmp_path / "page.md"
    page.write_text(f"before\n<!-- {MARK}:begin -->\nold\n<!-- {MARK}:end -->\nafter\n")
    update_page(page, MARK, matrix_page(list(read_rows(path).values()), 3))
    text = page.read_text()
    assert "**1 of 2 networks come to the end** (50.0%); 0 crash. 2 of 3 are in the table." in text
    assert "| `alexnet` | refused | cut | it says this \\| that |" in text
    assert "| `timm/test_vit` † ‡ | 1.5 | 64 | `body` (tried) | 4×4 | 2e-06 | ok | 2 |" in text
    assert "old" not in text
