"""Quicker copies of a network: whose word counts, that batches do not matter, and when the network runs as it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Literal

import pytest
import torch
import torch._dynamo.utils
from torch import Tensor, nn

from auditor.core.config import ComputeConfig
from auditor.core.errors import ConfigError, ModelError
from auditor.inputs.model import quick
from auditor.inputs.model.classifier import Classifier, lead_over
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.quick import InTwoSteps, QuickComparison, check_compiler, quick_copy

Make = Callable[..., Classifier]

IN_BFLOAT16 = ComputeConfig(precision="bfloat16")
IN_TF32 = ComputeConfig(precision="tf32")
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


def test_who_is_asked_is_the_target_and_what_is_close(make_classifier: Make) -> None:
    network = make_classifier(Colours())
    logits = torch.tensor(
        [[3.0, 1.0, 0.0], [3.0, 2.5, 0.0], [0.0, 3.0, 1.0], [3.0, 0.0, 2.9], [float("nan"), 1.0, 0.0]]
    )
    assert lead_over(logits, (1,))[:4].tolist() == [2.0, 0.5, 0.0, 3.0]
    assert lead_over(logits, (0, 2))[:4].tolist() == [0.0, 0.0, 2.0, 0.0]
    leads = lead_over(logits, (1,)).double().numpy()
    assert InTwoSteps(network, network, 0.5).asked(leads).tolist() == [2, 4]
    assert InTwoSteps(network, network, 0.51).asked(leads).tolist() == [1, 2, 4]
    assert InTwoSteps(network, network, 0.0).asked(leads).tolist() == [2, 4]


def test_the_network_itself_answers_whatever_else_is_asked(make_classifier: Make) -> None:
    network = make_classifier(Colours())
    both, pictures = InTwoSteps(network, quick_copy(network, IN_BFLOAT16), 0.1), torch.rand(9, 3, 8, 8)
    with torch.inference_mode():
        assert torch.equal(both.logits(pictures), network.logits(pictures))
        assert not torch.equal(both.first.logits(pictures), network.logits(pictures))


def test_a_copy_that_rounds_many_answers_away_is_not_taken(make_classifier: Make) -> None:
    network = make_classifier(Colours())
    colours = 0.9 + 0.004 * torch.rand((400, 3), generator=torch.Generator().manual_seed(0))
    pictures = colours.view(400, 3, 1, 1).expand(-1, -1, 8, 8)
    comparison = QuickComparison(network, IN_BFLOAT16, (1,))
    with torch.inference_mode():
        own, alone = network.logits(pictures), quick_copy(network, IN_BFLOAT16).logits(pictures)
        comparison.see(pictures, own)
    found, differing = comparison.quick(400), int((own.argmax(1) != alone.argmax(1)).sum())
    assert differing > 20
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


def test_tf32_is_for_the_copys_passes_alone(make_classifier: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = []

    class Looks(Colours):
        def forward(self, images: Tensor) -> Tensor:
            allowed.append((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))
            if len(images) == 2:
                raise RuntimeError("not two")
            return super().forward(images)

    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    network = make_classifier(Looks())
    copied = quick_copy(network, IN_TF32)
    allowed.clear()
    for pictures in (torch.rand(3, 3, 8, 8), torch.rand(2, 3, 8, 8)):
        with torch.inference_mode(), nullcontext() if len(pictures) == 3 else pytest.raises(ModelError):
            copied.logits(pictures)
        assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (False, False)
    assert set(allowed) == {(True, True)}
    with torch.inference_mode():
        network.logits(torch.rand(1, 3, 8, 8))
    assert allowed[-1] == (False, False)


def test_a_processor_has_no_tf32(make_classifier: Make) -> None:
    comparison = QuickComparison(make_classifier(Colours()), IN_TF32, (1,))
    pictures = torch.rand(4, 3, 8, 8)
    comparison.see(pictures, torch.rand(4, 3))
    found = comparison.quick(4)
    assert not found.used
    assert found.words == "not in TF32: a processor has no such numbers"


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
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_compiled_networks_normalise_pictures_themselves(
    colour_classifier: Callable[..., Classifier], precision: Literal["float32", "bfloat16"]
) -> None:
    network = colour_classifier((8, 8), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    compute = ComputeConfig(compile=True, batch_size=4, precision=precision)
    compiled, pictures = quick_copy(network, compute), torch.rand(3, 3, 8, 8)
    kept = pictures.clone()
    with torch.inference_mode():
        expected = quick_copy(network, ComputeConfig(precision=precision)).logits(pictures)
        assert torch.equal(compiled.logits(pictures), expected)
        assert torch.equal(compiled.logits_(pictures), expected)
        assert torch.equal(pictures, kept)
        assert torch.equal(network.logits_(pictures), network.logits(kept))
        assert torch.equal(pictures, network.normalise(kept))


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


def test_no_network_is_one_too_many_to_compile(make_classifier: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch lets one function be compiled eight times, and then runs it as it is."""
    counts = torch._dynamo.utils.counters["stats"]
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    pictures, before = torch.rand(4, 3, 8, 8), counts["unique_graphs"]
    with torch.inference_mode():
        for scale in range(12):
            network = make_classifier(Colours(float(scale)))
            assert torch.equal(quick_copy(network, COMPILED).logits(pictures), network.logits(pictures))
    assert counts["unique_graphs"] == before + 12
