"""Whole audits where memory does not hold a batch: the same findings, or a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import Result

from auditor.cli.edge import edge
from tests.alike import assert_alike
from tests.tiny_world import World

FULL = """

class Full(Areas):
    def forward(self, images):
        if len(images) > {most}:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().forward(images)


def full():
    return Full(6)
"""


def full_above(world: World, most: int) -> Path:
    """The world's own network, in whose memory no more pictures have room at once."""
    with (world.folder / "network.py").open("a") as factory:
        factory.write(FULL.format(most=most))
    return world.edited("full.toml", ("network.py:network", "network.py:full"))


def test_an_audit_goes_on_with_smaller_batches_to_the_same_findings(
    own_world: World, finished: tuple[Path, Result], invoke: Callable[..., Result], tmp_path: Path
) -> None:
    result = invoke("run", full_above(own_world, 5), "--out", tmp_path / "run")
    assert result.exit_code == finished[1].exit_code, result.output
    assert "memory does not hold a batch of 16; going on with 8 at once" in result.output
    one, other = (json.loads((folder / "findings.json").read_text()) for folder in (tmp_path / "run", finished[0]))
    assert one.pop("subject")["model"] != other.pop("subject")["model"]
    assert_alike(one, other)


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried"), RuntimeError("x")]
)
def test_memory_that_ran_out_anywhere_else_ends_in_a_sentence_too(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    @edge
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as caught:
        command()
    assert caught.value.exit_code == 2
    said = " ".join(capsys.readouterr().err.split())
    if isinstance(error, RuntimeError) and str(error) == "x":
        assert "unexpected error: RuntimeError: x" in said
    else:
        assert "error: memory ran out" in said
        assert "lower [compute] batch_size" in said


@pytest.mark.parametrize("command", ["run", "check"])
def test_where_no_batch_is_small_enough_a_sentence_ends_it(
    own_world: World, invoke: Callable[..., Result], tmp_path: Path, command: str
) -> None:
    where = ("--out", tmp_path / "run") if command == "run" else ()
    result = invoke(command, full_above(own_world, 0), *where)
    assert result.exit_code == 2
    assert "ran out of memory: CUDA out of memory" in result.output
    assert "goes around" not in result.output
    assert "lower [compute] batch_size" in " ".join(result.output.split())
