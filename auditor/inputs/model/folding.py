"""Batch norms folded into the convolutions before them, for passes that go forward alone; proved equal on the spot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from auditor.core.errors import DeviceMemoryError, ModelError
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.foreign import ForeignCode

TOLERANCE = 1e-4
"""By how much a folded network's logits may differ: this share of the largest logit, or this where that is below 1."""

AS_IT_IS = "the network as it is"
NOTHING_TO_FOLD = f"{AS_IT_IS}: no batch norm follows a convolution directly"

_Pair = tuple[nn.Conv2d, nn.BatchNorm2d]


@dataclass(frozen=True, slots=True)
class Folding:
    """Which network the trials run.

    Attributes:
        norms: batch norms that are folded into the convolutions before them; 0: the network runs as it is.
        words: which network runs and why, for a person.
        largest_change: of a logit, on the pictures it was compared on; 0.0 where nothing was.
    """

    norms: int = 0
    words: str = AS_IT_IS
    largest_change: float = 0.0


def fold(classifier: Classifier) -> tuple[Classifier, int]:
    """A copy of the classifier whose batch norms are folded into the convolutions before them, where nothing else is.

    A pair is folded where one pass shows that the norm takes what the convolution puts out, that nothing else takes it,
    and that both are called once; not where either has hooks, or the norm is in train mode or without running
    statistics. The network's own code runs as before, with other weights and without these norms.

    Returns:
        The copy and how many norms were folded; the classifier itself and 0 where there are none.
    Raises:
        ModelError: the network cannot be copied, or fails on a black picture.
    Source: `torch.nn.utils.fusion.fuse_conv_bn_eval`.
    """
    if not any(_may_fold(part) for part in classifier.module.modules() if isinstance(part, nn.BatchNorm2d)):
        return classifier, 0
    twin = classifier.copied()
    with torch.no_grad(), ForeignCode(f"folding the batch norms of {classifier.name}"):
        pairs = _pairs(twin)
        put: dict[nn.Module, nn.Module] = {}
        for convolution, norm in pairs:
            put[convolution] = fuse_conv_bn_eval(convolution, norm)
            put[norm] = _behind(norm)
    for part in list(twin.module.modules()):
        for name, child in part._modules.items():
            if child in put:
                part._modules[name] = put[child]
    return (twin, len(pairs)) if pairs else (classifier, 0)


@dataclass(slots=True)
class Differences:
    """How far a copy of a network answers otherwise than the network, over all batches that were seen.

    Attributes:
        changed: answers that differ. difference, largest: of logits, the largest change and the largest of the network.
    """

    changed: int = 0
    difference: float = 0.0
    largest: float = 1.0

    def see(self, said: Tensor, logits: Tensor) -> None:
        """Add a batch: (B, K) logits of the copy, and of the network."""
        self.changed += int((said.argmax(dim=1) != logits.argmax(dim=1)).sum())
        self.difference = max(self.difference, float((said - logits).abs().max().nan_to_num(torch.inf)))
        self.largest = max(self.largest, float(logits.abs().max()))

    @property
    def equal(self) -> bool:
        """Whether no answer differs, and every logit lies within `TOLERANCE` of the largest."""
        return not self.changed and self.difference <= TOLERANCE * self.largest


class Comparison:
    """A network beside its folded copy on the same pictures, batch by batch."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier, self._failed = classifier, ""
        self._found = Differences()
        try:
            self._folded, self._norms = fold(classifier)
        except (ModelError, DeviceMemoryError) as error:  # two copies may be more than memory holds
            self._norms, self._failed = 0, str(error)

    def see(self, images: Tensor, logits: Tensor) -> None:
        """Compare on (B, 3, H, W) pictures, RGB in [0, 1], of which the original says (B, K) logits."""
        if not self._norms or self._failed:
            return
        try:
            folded = self._folded.logits(images, finite=False)
        except ModelError as error:
            self._failed = str(error)
            return
        self._found.see(folded, logits)

    @property
    def network(self) -> Classifier:
        """The folded copy; the network itself where there is nothing to fold."""
        return self._classifier if self._failed or not self._norms else self._folded

    def folding(self, pictures: int) -> Folding:
        """What follows from all that was seen; `pictures` is how many there were."""
        if self._failed:
            return Folding(words=f"{AS_IT_IS}: its batch norms could not be folded ({self._failed})")
        if not self._norms or not pictures:
            return Folding(words=NOTHING_TO_FOLD if pictures else f"{AS_IT_IS}: no clean picture to compare on")
        if not self._found.equal:
            return Folding(
                words=f"{AS_IT_IS}: with its batch norms folded it answers otherwise on clean pictures, or its logits "
                f"differ by more than {TOLERANCE:g} of the largest"
            )
        norms = "its batch norm" if self._norms == 1 else f"its {self._norms} batch norms"
        return Folding(
            self._norms,
            f"with {norms} folded into the convolutions before; on the {pictures:,} clean pictures the answers are the "
            f"same and the logits within {TOLERANCE:g} of the largest",
            self._found.difference,
        )


class _Uses(TorchFunctionMode):
    """Counts the operations that took a tensor and gave tensors, by the tensor's identity."""

    def __init__(self) -> None:
        super().__init__()
        self.of: Counter[int] = Counter()
        self._kept: list[Tensor] = []  # a freed tensor's identity would be another's

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        result = func(*args, **(kwargs or {}))
        if next(_tensors(result), None) is not None:  # asking for a shape uses nothing
            taken = list(_tensors((args, kwargs)))
            self._kept += taken
            self.of.update(map(id, taken))
        return result


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, Mapping):
        yield from _tensors(tuple(value.values()))


def _pairs(classifier: Classifier) -> list[_Pair]:
    """The convolutions and norms that can be folded, by one pass of a black picture."""
    put_out: dict[int, tuple[nn.Conv2d, Tensor]] = {}
    calls: Counter[nn.Module] = Counter()
    found: list[tuple[nn.Conv2d, nn.BatchNorm2d, Tensor]] = []

    def after(module: nn.Module, _taken: object, output: object) -> None:
        calls[module] += 1
        if isinstance(module, nn.Conv2d) and isinstance(output, Tensor):
            put_out[id(output)] = module, output

    def before(module: nn.Module, taken: tuple[object, ...]) -> None:
        calls[module] += 1
        convolution, output = put_out.get(id(taken[0]), (None, None)) if taken else (None, None)
        if isinstance(module, nn.BatchNorm2d) and convolution is not None and output is not None:
            found.append((convolution, module, output))

    hooks: list[RemovableHandle] = []
    for part in list(classifier.module.modules()):
        if _may_fold(part):
            norm = isinstance(part, nn.BatchNorm2d)
            hooks.append(part.register_forward_pre_hook(before) if norm else part.register_forward_hook(after))
    try:
        with _Uses() as uses:
            classifier.run(classifier.black())
    finally:
        for hook in hooks:
            hook.remove()
    return [
        (convolution, norm)
        for convolution, norm, output in found
        if calls[convolution] == calls[norm] == 1 and uses.of[id(output)] == 1
    ]


def _may_fold(part: nn.Module) -> bool:
    """Whether a convolution or a batch norm is of a kind that can be folded, whatever it stands beside."""
    if part._forward_hooks or part._forward_pre_hooks:
        return False
    if type(part) is nn.Conv2d:
        return not part.training
    known = type(part) is nn.BatchNorm2d or (isinstance(part, nn.BatchNorm2d) and _is_timms(part))
    return known and not part.training and part.running_mean is not None and part.running_var is not None


def _is_timms(norm: nn.Module) -> bool:
    """Whether it is timm's batch norm with an activation inside, which it applies after the norm."""
    return type(norm).__name__ == "BatchNormAct2d" and type(norm).__module__.startswith("timm.")


def _behind(norm: nn.BatchNorm2d) -> nn.Module:
    """What is left of a norm once its numbers are in the convolution."""
    if _is_timms(norm):
        return nn.Sequential(norm.get_submodule("drop"), norm.get_submodule("act"))
    return nn.Identity()
