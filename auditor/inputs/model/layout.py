"""Which tensor of a layer's output is mapped, and the way to features and back. It runs no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from auditor.inputs.model.features import Features
from auditor.inputs.model.grids import GridForm, grid_form


@dataclass(frozen=True, slots=True)
class Layout:
    """How a layer's output holds what is mapped.

    Attributes:
        form: of the mapped tensor.
        mapped: its place in the list or tuple that the layer puts out; None where the output is that tensor.
        others: places of the tensors beside it, which the network behind the layer may read as well.
    """

    form: GridForm
    mapped: int | None = None
    others: tuple[int, ...] = ()

    def to_features(self, output: object, height_px: int, width_px: int) -> Features:
        """The mapped grid, and beside it what else the layer put out for each picture, in float32.

        Raises:
            LayerError: as `GridForm.to_features`.
        """
        tensors = [member(output, at) for at in (self.mapped, *self.others)]
        mapped, *others = [each for each in tensors if isinstance(each, Tensor)]
        own = self.form.to_features(mapped, height_px, width_px)
        return Features(own.grid, (*own.beside, *others)).each(Tensor.float)

    def rounding(self, output: object) -> float:
        """The least step above 1 of the mapped tensor's numbers, as the layer puts them out."""
        mapped = member(output, self.mapped)
        return torch.finfo(mapped.dtype).eps if isinstance(mapped, Tensor) else 0.0

    def to_output(self, features: Features, instead_of: object) -> object:
        """Undo `to_features`; the result shares no memory with `features`.

        Args:
            instead_of: what the layer put out for some picture, for what of it is no tensor with a row a picture, and
                for the types of numbers.
        """
        mapped = _of_type(self.form.to_output(features), member(instead_of, self.mapped))
        if self.mapped is None or not isinstance(instead_of, (list, tuple)):
            return mapped
        members = list(instead_of)
        members[self.mapped] = mapped
        others = features.beside[len(features.beside) - len(self.others) :]
        for at, other in zip(self.others, others, strict=True):
            members[at] = _of_type(other.clone(), members[at])
        if isinstance(instead_of, list):
            return members
        named = hasattr(instead_of, "_fields")
        return type(instead_of)(*members) if named else tuple(members)


def layouts(output: object, batch: int, height_px: int, width_px: int) -> list[Layout]:
    """Every way to map what a layer put out: itself, or the grids in a list or tuple, the largest first."""
    if isinstance(output, Tensor):
        form = _form(output, batch, height_px, width_px)
        return [] if form is None else [Layout(form)]
    if not isinstance(output, (list, tuple)):
        return []
    rows = [at for at, each in enumerate(output) if _has_rows(each, batch)]
    forms = {at: _form(output[at], batch, height_px, width_px) for at in rows}
    largest_first = sorted(rows, key=lambda at: -output[at].numel())
    return [
        Layout(form, at, tuple(other for other in rows if other != at))
        for at in largest_first
        if (form := forms[at]) is not None
    ]


def member(output: object, at: int | None) -> object:
    """What stands at a place in a list or tuple; None: the output itself."""
    return output if at is None or not isinstance(output, (list, tuple)) else output[at]


def shapes_of(output: object) -> str:
    """What a layer put out, in words: a shape, or the shapes in a list or tuple."""
    if isinstance(output, Tensor):
        return str(tuple(output.shape))
    members: Sequence[object] = output if isinstance(output, (list, tuple)) else ()
    return f"a {type(output).__name__} of {', '.join(map(shapes_of, members)) or 'nothing'}"


def copied(output: object) -> object:
    """The same output with copies of its tensors, that later modules in place cannot touch."""
    if isinstance(output, Tensor):
        return output.clone()
    if isinstance(output, (list, tuple)):
        return [each.clone() if isinstance(each, Tensor) else each for each in output]
    return output


def _of_type(numbers: Tensor, like: object) -> Tensor:
    return numbers.to(like.dtype) if isinstance(like, Tensor) else numbers


def _has_rows(each: object, batch: int) -> bool:
    return isinstance(each, Tensor) and each.is_floating_point() and each.ndim > 1 and len(each) == batch


def _form(output: Tensor, batch: int, height_px: int, width_px: int) -> GridForm | None:
    fits = output.is_floating_point() and output.shape[:1] == (batch,)
    return grid_form(tuple(output.shape[1:]), height_px, width_px) if fits else None
