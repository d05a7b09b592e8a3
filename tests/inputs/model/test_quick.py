"""Quicker copies of a network: whose word counts, that batches do not matter, and when the network runs as it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from auditor.core.config import ComputeConfig
from auditor.core.errors import ConfigError
from auditor.inputs.model import quick
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.quick import InTwoSteps, QuickComparison, check_compiler, counts, quick_copy, quickened

Make = Callable[..., Classifier]

IN_BFLOAT16 = ComputeConfig(precision="bfloat16")
COMPILED = ComputeConfig(compile=True, batch_size=4)


class Colours(nn.Module):
    """Three classes by the mean of each channel, times so much; in bfloat16 numbers keep eight bits."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.head = nn.Linear(3, 3, bias=False)
        with torch.no_grad():
            self.head.weight.copy_(scale * torch.eye(3))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(images.mean((2, 3)))


def even(*colours: tuple[float, float, float]) -> Tensor:
    """Pictures of 8 by 8 pixels, each of one colour."""
    return torch.tensor(colours).view(-1, 3, 1, 1).expand(-1, 3, 8, 8).contiguous()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled functions that run as they are: compiling takes seconds, and what is around them is the same."""
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    monkeypatch.setattr(quick, "_compiling", nullcontext)


def test_what_counts_is_the_target_and_what_is_close() -> None:
    logits = torch.tensor([[3.0, 1.0, 0.0], [3.0, 2.5, 0.0], [0.0, 3.0, 1.0], [float("nan"), 1.0, 0.0]])
    assert counts(logits, (1,), 0.5).tolist() == [False, False, True, True]
    assert counts(logits, (1,), 0.51).tolist() == [False, True, True, True]
    assert counts(logits, (0, 2), 0.0).tolist() == [True, True, False, True]


def test_float32_has_the_last_word_on_the_target_and_on_what_is_close(make_classifier: Make) -> None:
    network = make_classifier(Colours())
    lying = make_classifier(nn.Sequential(Colours(), nn.Linear(3, 3)))
    with torch.no_grad():
        lying.module[1].weight.copy_(torch.eye(3))
        lying.module[1].bias.copy_(torch.tensor([0.0, 0.3, 0.0]))
    both = InTwoSteps(network, lying, (1,), 0.25)
    # called the target though it is not; close, and not the target's; sure, and not the target's
    pictures = even((0.5, 0.45, 0.1), (0.5, 0.1, 0.45), (0.9, 0.1, 0.2))
    with torch.inference_mode():
        own, said, theirs = (one.logits(pictures) for one in (network, both, lying))
    assert theirs.argmax(1).tolist() == [1, 0, 0]
    assert torch.equal(said[:2], own[:2])
    assert torch.equal(said[2], theirs[2])
    assert not torch.equal(own[2], theirs[2])


def test_no_flip_is_an_effect_of_rounding(make_classifier: Make) -> None:
    """Around the border the copy alone calls others the target; in the end what is called so is."""
    network = make_classifier(Colours())
    generator = torch.Generator().manual_seed(0)
    colours = 0.9 + 0.004 * torch.rand((400, 3), generator=generator)
    pictures = colours.view(400, 3, 1, 1).expand(-1, -1, 8, 8)
    comparison = QuickComparison(network, IN_BFLOAT16, (1,))
    with torch.inference_mode():
        own, alone = network.logits(pictures), quick_copy(network, IN_BFLOAT16).logits(pictures)
        comparison.see(pictures, own)
        found = comparison.quick(400)
        within = 2 * float((own - alone).abs().max())
        both = quickened(network, IN_BFLOAT16, (1,), within)
        said, one_by_one = both.logits(pictures), torch.cat([both.logits(one[None]) for one in pictures])
    differing = int((own.argmax(1) != alone.argmax(1)).sum())
    assert differing > 20
    assert torch.equal(said.argmax(1), own.argmax(1))
    assert torch.allclose(said, one_by_one, atol=1e-6)
    # and a copy that rounds so many answers away is not taken
    assert (found.used, found.differing) == (False, differing)
    assert f"it answers {differing} of 400 clean pictures otherwise" in found.words


def test_a_copy_that_is_mostly_sure_is_used(make_classifier: Make) -> None:
    network = make_classifier(Colours(scale=10.0))
    pictures = even(*[(0.9, 0.1 + 0.01 * step, 0.3) for step in range(20)])
    comparison = QuickComparison(network, IN_BFLOAT16, (1,))
    with torch.inference_mode():
        comparison.see(pictures, network.logits(pictures))
    found = comparison.quick(20)
    assert (found.used, found.differing) == (True, 0)
    assert 0 < found.within < 1
    assert found.words.startswith("in bfloat16 first: so it answers 0 of 20 clean pictures otherwise; float32 has the")
    assert network.module.head.weight.dtype == torch.float32  # type: ignore[union-attr]


class Says(nn.Module):
    """Notes the sizes of its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = Colours()
        self.sizes: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.sizes.append(len(images))
        return self.inside(images)


class HoldsTwo(Colours):
    def forward(self, images: Tensor) -> Tensor:
        if len(images) > 2:
            raise torch.cuda.OutOfMemoryError("no room for three")
        return super().forward(images)


@pytest.mark.usefixtures("eager")
def test_compiled_networks_see_batches_of_one_size(make_classifier: Make) -> None:
    network = make_classifier(Says())
    compiled = quick_copy(network, COMPILED)
    pictures = torch.rand(3, 3, 8, 8)
    with torch.inference_mode():
        expected = network.logits(pictures)
        network.module.sizes.clear()  # type: ignore[union-attr, operator]
        assert torch.equal(compiled.logits(pictures), expected)
        assert torch.equal(compiled.logits(pictures[:1]), expected[:1])
    assert network.module.sizes == [4, 4]


@pytest.mark.usefixtures("eager")
def test_where_memory_holds_no_such_batch_a_smaller_one_is_filled_up(make_classifier: Make) -> None:
    network = make_classifier(HoldsTwo())
    compiled = quick_copy(network, COMPILED)
    pictures = torch.rand(3, 3, 8, 8)
    with torch.inference_mode():
        parts = [said for _, said in Batches(4).each(3, lambda rows: compiled.logits(pictures[rows]))]
        assert torch.equal(torch.cat(parts), torch.cat([network.logits(one[None]) for one in pictures]))


@pytest.mark.usefixtures("eager")
def test_a_compiled_network_has_to_be_equal(make_classifier: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    network, pictures = make_classifier(Colours()), even((0.9, 0.1, 0.2), (0.5, 0.1, 0.6))

    def found() -> quick.Quick:
        comparison = QuickComparison(network, COMPILED, (1,))
        with torch.inference_mode():
            comparison.see(pictures, network.logits(pictures))
        return comparison.quick(2)

    assert found().used
    assert found().words.startswith("compiled for batches of 4; on the 2 clean pictures the answers are the same")
    monkeypatch.setattr(torch, "compile", lambda function, **_: lambda images: function(images).flip(1))
    other = found()
    assert not other.used
    assert other.words.startswith("not compiled: so it answers 2 of 2 clean pictures otherwise")

    def fails(images: Tensor) -> Tensor:
        raise RuntimeError("no kernel for this")

    monkeypatch.setattr(torch, "compile", lambda function, **_: fails)
    assert "not compiled: it could not be done" in found().words
    assert "no kernel for this" in found().words


def test_a_missing_compiler_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    check_compiler(ComputeConfig())
    check_compiler(COMPILED, torch.device("cuda"))
    with pytest.raises(ConfigError, match="needs a C\\+\\+ compiler, and there is no 'no-such-compiler'"):
        check_compiler(COMPILED)
