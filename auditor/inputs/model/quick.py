"""A quicker copy of a network for trials: compiled, or in bfloat16 with float32's word on all that counts."""

from __future__ import annotations

import copy
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from auditor.core.config import ComputeConfig
from auditor.core.errors import ConfigError, DeviceMemoryError, ModelError, out_of_memory
from auditor.inputs.model.classifier import Classifier, check_logits
from auditor.inputs.model.folding import TOLERANCE, Differences

MOST_CHANGED = 0.05
"""Of the clean pictures: a bfloat16 copy that answers more of them otherwise is not used."""

MOST_SEEN_TWICE = 0.5
"""Of the clean pictures: where more have to be seen by the float32 network as well, nothing is gained."""

_COMPILERS = {"darwin": "clang++", "win32": "cl"}


@dataclass(frozen=True, slots=True)
class Quick:
    """Whether trials run a quicker copy, as it was decided on the clean pictures.

    Attributes:
        used: whether they do; words: which and why, for a person; '' where nobody asked.
        within: where the two largest logits of the bfloat16 copy lie closer, the float32 network is asked; 0.0 without.
        differing: clean pictures that the copy alone answers otherwise.
    """

    used: bool = False
    words: str = ""
    within: float = 0.0
    differing: int = 0


class InTwoSteps(Classifier):
    """A network of which a copy in bfloat16 sees every picture, and the network itself all that counts.

    That is what the copy calls the target, and what it is not sure of: so no flip is an effect of rounding alone.
    """

    def __init__(self, network: Classifier, rounded: Classifier, target: tuple[int, ...], within: float) -> None:
        """
        Args:
            network: float32, which has the last word; rounded: its copy.
            target: indices of the target's classes.
            within: it is not sure where its two largest logits differ by less.
        """
        vars(self).update(vars(network))  # it is this network; laying it out and moving it again would change nothing
        self._rounded, self._target, self._within = rounded, target, within

    def forward_normalised(self, images: Tensor, finite: bool = True) -> Tensor:
        """As of any classifier; a copy's logits where the network itself was not asked."""
        logits = self._rounded.forward_normalised(images, finite=False)
        rows = counts(logits, self._target, self._within).nonzero()[:, 0]
        if len(rows):
            logits[rows] = super().forward_normalised(images[rows], finite=False)
        return check_logits(logits, len(images), self.class_names, finite)


def counts(logits: Tensor, target: tuple[int, ...], within: float) -> Tensor:
    """Which of (B, K) logits call the target or have their two largest within a distance, (B,) bool; NaN do."""
    largest, classes = logits.topk(2, dim=1)
    sure = largest[:, 0] - largest[:, 1] >= within
    return ~sure | torch.isin(classes[:, 0], torch.tensor(target, device=logits.device))


class OneShape(nn.Module):
    """A network under torch.compile, for batches of one size: smaller ones are filled up with zeros."""

    def __init__(self, module: nn.Module, batch_size: int) -> None:
        super().__init__()
        self.module, self._size = module, batch_size

        def answer(images: Tensor) -> object:
            return module(images)

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


@contextmanager
def _compiling() -> Iterator[None]:
    """Around a compiled network, which compiles when it is first called.

    Where a user's own compiled functions run as they were before (`compiled`), it runs compiled all the same. Its
    weights are frozen: laid out once as the kernels want them. Nobody changes them afterwards.
    """
    from torch._inductor import config  # seconds to import, for those who ask for it

    with config.patch(freezing=True), torch.compiler.set_stance("default"):
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


def quickened(network: Classifier, compute: ComputeConfig, target: tuple[int, ...], within: float) -> Classifier:
    """A network as trials run it, with what was found out on the clean pictures.

    Args:
        network: float32, as it is or with its batch norms folded.
        within: as of `Quick`.
    Raises:
        ConfigError: there is no compiler. ModelError: the network cannot be copied.
    """
    copied = quick_copy(network, compute)
    return InTwoSteps(network, copied, target, within) if compute.precision == "bfloat16" else copied


def quick_copy(network: Classifier, compute: ComputeConfig) -> Classifier:
    """The copy alone, without the network's own word; as `quickened`."""
    check_compiler(compute, network.device)
    twin = copy.copy(network)
    if compute.precision == "bfloat16":
        twin = network.copied()
        twin.module.to(torch.bfloat16)
        twin.takes = torch.bfloat16
    if compute.compile:
        twin.module = OneShape(twin.module, compute.batch_size)
    return twin


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
        self._found = Differences()
        self._said: list[Tensor] = []
        try:
            self._copy = quick_copy(network, compute)
        except (ModelError, DeviceMemoryError) as error:
            self._failed = str(error)

    def see(self, images: Tensor, logits: Tensor) -> None:
        """Compare on (B, 3, H, W) pictures, RGB in [0, 1], of which the original says (B, K) logits."""
        if self._failed:
            return
        try:
            said = self._copy.logits(images, finite=False)
        except ModelError as error:
            self._failed = str(error)
            return
        self._found.see(said, logits)
        self._said.append(said.topk(2, dim=1).values.cpu())

    def quick(self, pictures: int) -> Quick:
        """What follows from all that was seen; `pictures` is how many there were."""
        name = " and ".join(
            ["in bfloat16"] * (self._compute.precision == "bfloat16") + ["compiled"] * self._compute.compile
        )
        if self._failed or not pictures:
            why = (
                f"it could not be done ({self._failed})" if self._failed else "there is no clean picture to compare on"
            )
            return Quick(words=f"not {name}: {why}")
        if self._compute.precision == "bfloat16":
            return self._in_bfloat16(name, pictures)
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

    def _in_bfloat16(self, name: str, pictures: int) -> Quick:
        within = float(f"{2 * self._found.difference:.2g}")  # by as much a lead over the second can shrink
        leads = torch.cat(self._said)
        unsure = int((~(leads[:, 0] - leads[:, 1] >= within)).sum())
        answered = f"so it answers {self._found.changed:,} of {pictures:,} clean pictures otherwise"
        if self._found.changed > MOST_CHANGED * pictures or unsure > MOST_SEEN_TWICE * pictures:
            return Quick(
                words=f"not {name}: {answered} and is not sure of {unsure:,}, where float32 would have to be asked",
                differing=self._found.changed,
            )
        return Quick(
            True,
            f"{name} first: {answered}; float32 has the last word on every picture that is called the target or whose "
            f"two likeliest logits lie within {within:g}, twice the largest change, as on {unsure:,} clean pictures",
            within,
            self._found.changed,
        )
