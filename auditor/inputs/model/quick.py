"""A quicker copy of a network for trials: compiled, or in fewer bits with float32's word on all that counts."""

from __future__ import annotations

import copy
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from auditor.core.config import ComputeConfig
from auditor.core.errors import ConfigError, DeviceMemoryError, ModelError, out_of_memory
from auditor.core.records import IntArray
from auditor.inputs.model.classifier import Classifier, lead_over
from auditor.inputs.model.folding import TOLERANCE, Differences

IN_FEWER_BITS = {"bfloat16": "bfloat16", "tf32": "TF32"}
"""What `compute.precision` may be but float32, and what people call it."""

MOST_CHANGED = 0.05
"""Of the clean pictures: a copy in fewer bits that answers more of them otherwise is not used."""

MOST_SEEN_TWICE = 0.5
"""Of the clean pictures: where more have to be seen by the float32 network as well, nothing is gained."""

_COMPILERS = {"darwin": "clang++", "win32": "cl"}


@dataclass(frozen=True, slots=True)
class Quick:
    """Whether trials run a quicker copy, as it was decided on the clean pictures.

    Attributes:
        used: whether they do; words: which and why, for a person; '' where nobody asked.
        within: where the largest logit of a copy in fewer bits leads the target's by less, the float32 network is
            asked; 0.0 without.
        differing: clean pictures that the copy alone answers otherwise.
    """

    used: bool = False
    words: str = ""
    within: float = 0.0
    differing: int = 0


class InTwoSteps(Classifier):
    """A network of which a copy in fewer bits sees every picture first, and the network itself all that counts.

    That is what the copy calls the target, and what it nearly does: so no flip is an effect of rounding alone. Who
    pastes does both steps, each for all pictures together; whoever asks it anything else has the network's own answer.

    Attributes:
        first: the copy.
    """

    def __init__(self, network: Classifier, first: Classifier, within: float) -> None:
        """
        Args:
            network: float32, which has the last word.
            within: the copy is not sure where its largest logit leads the target's by less.
        """
        vars(self).update(vars(network))  # it is this network; laying it out and moving it again would change nothing
        self.first, self._within = first, within

    def asked(self, leads: NDArray[np.float64]) -> IntArray:
        """Which pictures the network itself is to see, by (N,) leads of the largest logit over the target's; NaN is."""
        return np.flatnonzero(~(leads >= max(self._within, _TIE)))


_TIE = float(np.nextafter(0.0, 1.0))
"""A lead that is less is none: the target is called."""


class InTf32(nn.Module):
    """A network whose matrix products and convolutions a card does in TF32: float32 with 10 of its 23 bits."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> object:
        """As the network: (B, 3, H, W) -> (B, K)."""
        with _tf32():
            return self.module(images)


@contextmanager
def _tf32() -> Iterator[None]:
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    try:
        products.allow_tf32 = convolutions.allow_tf32 = True
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before


class Compiled(Classifier):
    """A network under torch.compile, which normalises pictures itself: one pass over them less, and one kernel."""

    def __init__(self, network: Classifier, batch_size: int) -> None:
        """
        Args:
            network: of which this is a copy; its module is shared.
            batch_size: as of `OneShape`.
        """
        vars(self).update(vars(network))
        normalise, module, takes = network.normalise, network.module, network.takes

        def answer(images: Tensor) -> object:
            return module(normalise(images).to(takes))

        self.module, self.takes = OneShape(module, answer, batch_size), torch.float32

    def normalise(self, images: Tensor) -> Tensor:
        """The pictures as they are: that is left to the network."""
        return images

    def normalise_(self, images: Tensor) -> Tensor:
        """As `normalise`."""
        return images


class OneShape(nn.Module):
    """An answer under torch.compile, for batches of one size: smaller ones are filled up with zeros."""

    def __init__(self, module: nn.Module, answer: Callable[[Tensor], object], batch_size: int) -> None:
        super().__init__()
        self.module, self._size = module, batch_size
        self._compiled = torch.compile(answer, dynamic=False)

    def forward(self, images: Tensor) -> object:
        """As the network: (B, 3, H, W) -> (B, K)."""
        count = len(images)
        if count < self._size:
            images = torch.cat([images, images.new_zeros((self._size - count, *images.shape[1:]))])
        try:
            with _compiling():
                answer = self._compiled(images)
        except (RuntimeError, MemoryError) as error:
            if out_of_memory(error):  # who halves the batch would have it filled up to what did not fit
                self._size = max(1, self._size // 2)
            raise
        return answer[:count] if isinstance(answer, Tensor) and answer.ndim else answer


_NETWORKS = 1000
"""That one process may compile."""


@contextmanager
def _compiling() -> Iterator[None]:
    """Around a compiled network, which compiles when it is first called.

    Where a user's own compiled functions run as they were before (`compiled`), it runs compiled all the same. Its
    weights are frozen: laid out once as the kernels want them. Nobody changes them afterwards.
    """
    # seconds to import, for those who ask for it
    from torch._dynamo import config as dynamo
    from torch._inductor import config as inductor

    # else the ninth network of a process, or one with other settings, would quietly run as it is
    limit = {"recompile_limit" if hasattr(dynamo, "recompile_limit") else "cache_size_limit": _NETWORKS}
    with inductor.patch(freezing=True), dynamo.patch(limit), torch.compiler.set_stance("default"):
        yield


def check_compiler(compute: ComputeConfig, device: torch.device | None = None) -> None:
    """Make sure that torch.compile finds the compiler that it needs on a processor.

    Raises:
        ConfigError: there is none.
    """
    compiler = os.environ.get("CXX") or _COMPILERS.get(sys.platform, "g++")
    if compute.compile and (device is None or device.type == "cpu") and shutil.which(compiler) is None:
        raise ConfigError(
            f"compute.compile needs a C++ compiler, and there is no {compiler!r} on the PATH; install one, name "
            "another by the variable CXX, or leave compute.compile off"
        )


def quickened(network: Classifier, compute: ComputeConfig, within: float) -> Classifier:
    """A network as trials run it, with what was found out on the clean pictures.

    Args:
        network: float32, as it is or with its batch norms folded.
        within: as of `Quick`.
    Raises:
        ConfigError: there is no compiler. ModelError: the network cannot be copied.
    """
    copied = quick_copy(network, compute)
    return copied if compute.precision == "float32" else InTwoSteps(network, copied, within)


def quick_copy(network: Classifier, compute: ComputeConfig) -> Classifier:
    """The copy alone, without the network's own word; as `quickened`."""
    check_compiler(compute, network.device)
    twin = copy.copy(network)
    if compute.precision == "bfloat16":
        twin = network.copied()
        twin.module.to(torch.bfloat16)
        twin.takes = torch.bfloat16
    if compute.compile:
        twin = Compiled(twin, compute.batch_size)
    if compute.precision == "tf32":  # around what is compiled, which cannot look into it
        twin.module = InTf32(twin.module)
    return twin


def without_tf32(device: torch.device) -> str:
    """Why a device computes nothing in TF32; '' where it does."""
    if device.type != "cuda":
        return "a processor has no such numbers"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return "this card has no such numbers; NVIDIA's have since Ampere"
    return ""


class QuickComparison:
    """A network's quicker copy beside it on the same pictures, batch by batch."""

    def __init__(self, network: Classifier, compute: ComputeConfig, target: tuple[int, ...]) -> None:
        """
        Args:
            network: of which the copy is made: as it is, or with its batch norms folded.
        Raises:
            ConfigError: there is no compiler.
        """
        self._compute, self._target, self._failed = compute, target, ""
        self._declined = without_tf32(network.device) if compute.precision == "tf32" else ""
        self._found = Differences()
        self._leads: list[Tensor] = []
        if self._declined:
            return
        try:
            self._copy = quick_copy(network, compute)
        except (ModelError, DeviceMemoryError) as error:
            self._failed = str(error)

    def see(self, images: Tensor, logits: Tensor) -> None:
        """Compare on (B, 3, H, W) pictures, RGB in [0, 1], of which the original says (B, K) logits."""
        if self._failed or self._declined:
            return
        try:
            said = self._copy.logits(images, finite=False)
        except ModelError as error:
            self._failed = str(error)
            return
        self._found.see(said, logits)
        self._leads.append(lead_over(said, self._target).cpu())

    def quick(self, pictures: int) -> Quick:
        """What follows from all that was seen; `pictures` is how many there were."""
        bits = IN_FEWER_BITS.get(self._compute.precision, "")
        name = " and ".join([f"in {bits}"] * bool(bits) + ["compiled"] * self._compute.compile)
        if self._declined:
            return Quick(words=f"not {name}: {self._declined}")
        if self._failed or not pictures:
            why = (
                f"it could not be done ({self._failed})" if self._failed else "there is no clean picture to compare on"
            )
            return Quick(words=f"not {name}: {why}")
        if bits:
            return self._in_fewer_bits(name, pictures)
        if not self._found.equal:
            return Quick(
                words=f"not {name}: so it answers {self._found.changed:,} of {pictures:,} clean pictures otherwise, "
                f"and its logits differ by up to {self._found.difference:.1e}",
                differing=self._found.changed,
            )
        return Quick(
            True,
            f"{name} for batches of {self._compute.batch_size}; on the {pictures:,} clean pictures the answers are the "
            f"same and the logits within {TOLERANCE:g} of the largest",
        )

    def _in_fewer_bits(self, name: str, pictures: int) -> Quick:
        within = float(f"{2 * self._found.difference:.2g}")  # by as much a lead can shrink
        unsure = int((~(torch.cat(self._leads) >= within)).sum())
        answered = f"so it answers {self._found.changed:,} of {pictures:,} clean pictures otherwise"
        if self._found.changed > MOST_CHANGED * pictures or unsure > MOST_SEEN_TWICE * pictures:
            return Quick(
                words=f"not {name}: {answered} and is not sure of {unsure:,}, where float32 would have to be asked",
                differing=self._found.changed,
            )
        return Quick(
            True,
            f"{name} first: {answered}; float32 has the last word on every picture that is called the target or where "
            f"the target's logit lies within {within:g} of the largest, twice the largest change, as on {unsure:,} "
            "clean pictures; which other class is called is the copy's word",
            within,
            self._found.changed,
        )
