"""The classifier under audit: pixels in, checked logits out, and what is read from logits. Loading is elsewhere."""

from __future__ import annotations

import copy
import functools

import torch
from torch import Tensor, nn

from auditor.core.errors import ModelError, first_line
from auditor.core.records import ClassGroup, Outputs
from auditor.inputs.model.compiled import uncompiled_calls
from auditor.inputs.model.foreign import DIFFERENTIATING, ForeignCode
from auditor.inputs.model.labels import ClassNames
from auditor.inputs.model.preprocessing import Preprocessing
from auditor.inputs.model.weight_kinds import only_type

# Far below any probability that decides anything, and far above where its slope would overflow.
_LEAST_PROBABILITY = 1e-30


class Classifier:
    """A network in eval mode with its class names, its preprocessing and its device.

    The network is moved to the device with its weights laid out channels last (unless its code takes channels first
    alone), put in eval mode, and its parameters stop asking for gradients; no number in it changes. Gradients with
    respect to pictures or activations work as usual.

    Attributes:
        module: (B, 3, H, W) normalised RGB -> (B, K) logits, or probabilities.
        name: what messages call the network.
        outputs: what `module` answers with. Of probabilities the logarithm is taken wherever logits are spoken of:
            it differs from the logits before the softmax by one number a picture.
        takes: the type of numbers in which it gets its pictures: float32, or that of all its weights where it takes no
            other.
    """

    def __init__(
        self,
        module: nn.Module,
        class_names: ClassNames,
        preprocessing: Preprocessing,
        device: torch.device,
        name: str = "",
        outputs: Outputs = Outputs.LOGITS,
    ) -> None:
        self.module = module.to(device)
        self._lay_out(channels_last=True)  # how convolutions run fastest on CPUs and tensor cores alike
        set_eval(self.module)
        for parameter in self.module.parameters():
            parameter.requires_grad_(False)
        self.class_names = class_names
        self.preprocessing = preprocessing
        self.device = device
        self.name = name or type(module).__name__
        self.outputs = outputs
        self.takes = torch.float32
        # Tensors made in inference mode could never take part in a gradient.
        with torch.inference_mode(False):
            self._mean = torch.tensor(preprocessing.mean, device=device).view(1, 3, 1, 1)
            self._std = torch.tensor(preprocessing.std, device=device).view(1, 3, 1, 1)

    @property
    def classes(self) -> int:
        """K."""
        return len(self.class_names)

    def logits(self, images: Tensor, finite: bool = True) -> Tensor:
        """Normalise and classify.

        Args:
            images: (B, 3, H, W) float32 RGB in [0, 1] on the device; not modified.
            finite: as for `read`.
        Returns:
            (B, K) float32.
        Raises:
            ModelError: as `forward_normalised`.
        """
        return self.forward_normalised(self.normalise(images), finite)

    def normalise(self, images: Tensor) -> Tensor:
        """(images - mean) / std as a new tensor."""
        return (images - self._mean).div_(self._std)

    def normalise_(self, images: Tensor) -> Tensor:
        """Normalise in place, for callers that own their buffer; returns it. The numbers are those of `normalise`."""
        return images.sub_(self._mean).div_(self._std)

    def logits_(self, images: Tensor, finite: bool = True) -> Tensor:
        """`logits` for callers that own their buffer, which is overwritten."""
        return self.forward_normalised(self.normalise_(images), finite)

    def forward_normalised(self, images: Tensor, finite: bool = True) -> Tensor:
        """Classify (B, 3, H, W) pictures that were normalised already.

        Args:
            finite: as for `read`.
        Returns:
            (B, K) float32.
        Raises:
            ModelError: as `run` and `check_logits`.
        """
        return self.read(self.run(images), len(images), finite)

    def read(self, output: object, batch: int, finite: bool = True) -> Tensor:
        """The (batch, K) logits in what the network returned.

        Args:
            finite: also look for NaN and infinities, for which the device has to be waited for. Who waits for it anyway
                may look later, and call `refuse_not_finite` then.
        Raises:
            ModelError: as `check_logits`.
        """
        numbers = check_logits(output, batch, self.class_names, finite)
        if self.outputs is Outputs.LOGITS:
            return numbers
        logarithms = numbers.clamp_min(_LEAST_PROBABILITY).log()
        return logarithms if finite else logarithms.masked_fill(numbers.isneginf(), -torch.inf)

    def run(self, images: Tensor) -> object:
        """Whatever the network returns for (B, 3, H, W) normalised pictures. Every forward of it goes through here.

        Raises:
            ModelError: the network raised something, SystemExit included.
        """
        try:
            return self._forward(images)
        except ModelError as error:
            if self._channels_last and _tells_layout(error.__cause__):
                self._lay_out(channels_last=False)
            elif not self._takes_own_type(error.__cause__):
                raise
        return self.run(images)

    def _takes_own_type(self, error: BaseException | None) -> bool:
        """Whether code raised since it takes pictures in the type of its weights alone; they come in it from now on."""
        own = only_type(self.module)
        if own in (None, self.takes) or "type" not in str(error).lower():
            return False
        self.takes = own
        return True

    def _forward(self, images: Tensor) -> object:
        shape = "x".join(map(str, images.shape[1:]))
        advice = f"it was given {shape} pictures; check [preprocessing] and the network"
        with ForeignCode(f"running {self.name} on a batch of {len(images)}", advice), uncompiled_calls():
            return self.module(images.to(self.takes))

    def _lay_out(self, channels_last: bool) -> None:
        """Lay the weights out, and with them what convolutions put out; only strides change.

        Tensor by tensor, since `Module.to` raises where one has five axes, which have no such layout.
        """
        self._channels_last = channels_last
        layout = torch.channels_last if channels_last else torch.contiguous_format
        with torch.inference_mode(False):
            for tensor in (*self.module.parameters(), *self.module.buffers()):
                if tensor.ndim == 4:
                    tensor.data = tensor.data.to(memory_format=layout)

    def copied(self) -> Classifier:
        """The same classifier with a copy of the network: whatever a forward changes in the copy stays there.

        Raises:
            ModelError: the network cannot be copied.
        """
        twin = copy.copy(self)
        with ForeignCode(f"copying {self.name}"):
            twin.module = copy.deepcopy(self.module)
        return twin

    @functools.cached_property
    def without_slopes(self) -> str:
        """Why no gradient leads from the answer back to the picture, in words; '' where one does.

        Operations without a derivative, such as quantised ones, may tell only when they are asked for it.
        """
        with torch.inference_mode(False), torch.enable_grad():
            picture = self.black().requires_grad_()
            logits = self.forward_normalised(picture)
            try:
                slope = _slope(logits, picture) if logits.requires_grad else None
            except ModelError as error:
                if not isinstance(error.__cause__, RuntimeError):  # torch's own word for a derivative that is missing
                    raise
                return f"{self.name} gives its pictures no gradient ({first_line(error.__cause__)})"
        if slope is not None:
            return ""
        return (
            f"{self.name} gives its pictures no gradient, as under torch.no_grad, behind a detach(), or in a "
            "quantised or foreign program, so that nothing can be attributed"
        )

    def black(self, batch: int = 1) -> Tensor:
        """(batch, 3, H, W) normalised black pictures, for probing."""
        return self.normalise_(torch.zeros(batch, 3, *self.preprocessing.output_size, device=self.device))


def _slope(logits: Tensor, picture: Tensor) -> Tensor | None:
    with DIFFERENTIATING:
        (slope,) = torch.autograd.grad(logits.sum(), picture, allow_unused=True)
    return slope


def _tells_layout(error: BaseException | None) -> bool:
    """Whether code raised since it takes channels first alone, as a `view` behind a convolution does."""
    words = str(error).lower()
    return "view size is not compatible" in words or "contiguous" in words


def set_eval(module: nn.Module) -> None:
    """Put a network in eval mode; exported programs are fixed in the mode they were exported in and refuse."""
    try:
        module.eval()
    except NotImplementedError:
        return


def check_logits(output: object, batch: int, class_names: ClassNames, finite: bool = True) -> Tensor:
    """Make sure that what came out of the network is (batch, K) finite logits.

    Args:
        output: whatever the network returned.
        finite: also look for NaN and infinities (one reduction).
    Returns:
        The logits as float32.
    Raises:
        ModelError: another type, rank, batch or class count, or numbers that are not finite.
    """
    if not isinstance(output, Tensor):
        raise ModelError(
            f"the network must return one tensor of (B, K) logits, but returned {_describe_output(output)}; "
            "wrap it in a module (or a 'file.py:factory') whose forward returns the logits alone"
        )
    classes = len(class_names)
    if output.ndim != 2 or output.shape[0] != batch:
        raise ModelError(
            f"the network must return (B, K) = ({batch}, {classes}) logits, but returned shape {tuple(output.shape)}; "
            "wrap it in a module whose forward pools or flattens to one row a picture"
        )
    if output.shape[1] != classes:
        raise ModelError(
            f"the network has {output.shape[1]} classes, but there are {classes} class names; "
            "give [classes] names the model's own list, in its own order"
        )
    if not output.is_floating_point():
        raise ModelError(f"the network must return floating point logits, but returned {output.dtype}")
    logits = output.float()
    if finite and not bool(torch.isfinite(logits.detach().sum())):
        refuse_not_finite(logits.detach())
    return logits


def refuse_not_finite(logits: Tensor) -> None:
    """Where a sum of (B, K) logits is not finite: raise with counts, unless it overflowed over finite ones.

    Raises:
        ModelError: some are NaN or infinite.
    """
    nan, infinite = int(logits.isnan().sum()), int(logits.isinf().sum())
    if nan or infinite:
        pictures = int((~torch.isfinite(logits)).any(dim=1).sum())
        raise ModelError(
            f"the network returned {nan} NaN and {infinite} infinite logits, on {pictures} of {len(logits)} pictures; "
            "check its weights, the preprocessing's mean and std, and that it runs in float32"
        )


def _describe_output(output: object) -> str:
    if isinstance(output, dict):
        return f"a dict with keys {', '.join(repr(key) for key in list(output)[:5])}"
    if isinstance(output, (tuple, list)):
        return f"a {type(output).__name__} of {len(output)}"
    return f"a {type(output).__name__}"


@functools.lru_cache(maxsize=64)
def _places(indices: tuple[int, ...], device: torch.device) -> Tensor:
    """Class indices on the device, sent there once; a list between brackets would be sent again for each batch."""
    with torch.inference_mode(False):  # else they could take part in no gradient
        return torch.tensor(indices, device=device)


@functools.lru_cache(maxsize=64)
def _others(indices: tuple[int, ...], classes: int) -> tuple[int, ...]:
    return tuple(index for index in range(classes) if index not in indices)


def members(scores: Tensor, indices: tuple[int, ...]) -> Tensor:
    """The columns of some classes, in their order: (B, K) -> (B, n)."""
    return scores[:, _places(indices, scores.device)]


def others(scores: Tensor, indices: tuple[int, ...]) -> Tensor:
    """The columns of all other classes, (B, K) -> (B, K − n)."""
    return members(scores, _others(indices, scores.shape[1]))


def group_logit(logits: Tensor, indices: tuple[int, ...]) -> Tensor:
    """The logit of a group of classes: logsumexp over its members, a single class's own logit.

    Args:
        logits: (B, K). indices: at least one class.
    Returns:
        (B,).
    """
    if len(indices) == 1:
        return logits[:, indices[0]]
    return torch.logsumexp(members(logits, indices), dim=1)


def margin(logits: Tensor, source: ClassGroup, target: ClassGroup) -> Tensor:
    """Target's logit minus source's: (B, K) -> (B,); above 0 the target is ahead."""
    return group_logit(logits, target.indices) - group_logit(logits, source.indices)


def group_probability(logits: Tensor, group: ClassGroup) -> Tensor:
    """Softmax mass of a group: (B, K) -> (B,) in [0, 1]."""
    return members(torch.softmax(logits, dim=1), group.indices).sum(dim=1)


def group_rank(logits: Tensor, group: ClassGroup) -> Tensor:
    """The place of a group's likeliest class among all classes: (B, K) -> (B,) int64, 1 for the first of all.

    Classes that are exactly as likely do not stand before it.
    """
    best = members(logits, group.indices).amax(dim=1, keepdim=True)
    return (logits > best).sum(dim=1) + 1


def lead_over(logits: Tensor, indices: tuple[int, ...]) -> Tensor:
    """By how much the largest logit leads the largest of a group: (B, K) -> (B,); 0 where the group has it."""
    return logits.amax(dim=1) - members(logits, indices).amax(dim=1)
