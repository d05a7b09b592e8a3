"""A network cut in two at a layer: pictures to features, features to logits. It never alters the network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from auditor.core.errors import LayerError, ModelError
from auditor.inputs.model.classifier import Classifier
from auditor.inputs.model.features import Features
from auditor.inputs.model.foreign import DIFFERENTIATING, ThroughForeignCodeError
from auditor.inputs.model.grids import Axes
from auditor.inputs.model.layers import Captured, find_layer, list_layers
from auditor.inputs.model.layout import Layout, copied, layouts, shapes_of
from auditor.inputs.model.memory import pass_out_of_memory
from auditor.inputs.model.probes import Probes, noise, probe_layers

# The same kernels run on the same numbers.
_TOLERANCE_OF_SIZE = 1e-5
# Of activation and gradient, at the position where it is largest: 0.03 and more where an activation's length counts,
# 0.0001 and less, which is rounding, where a norm takes it away (measured over the families of torchvision and timm).
_LEAST_COSINE = 3e-4
# Share of the tokens that change less than the changed patch's own; one half where the order is another.
_LEAST_BEATEN = 0.75


class LayerCut:
    """A classifier cut at one layer, verified on construction.

    The tail runs by feeding the network one black picture and putting the given features in place of what the layer
    put out. This is the whole network's answer exactly if everything it learns of the picture passes through the
    layer, whatever the network's code looks like. Networks that read the batch size in front of the layer get a
    black picture for every row instead, which costs as much as their head.

    Features are a (B, D, H', W') grid, whatever the layer's own order of axes (`grids.grid_form`). Where a layer puts
    out tokens with a class token or the like in front, the tail needs those too: they lie beside the grid.

    Attributes:
        layer: the layer's name.
        feature_shape: (D, H', W') of the grid for one picture.
    Raises (on construction):
        UnknownNameError: no such layer.
        LayerError: it does not run exactly once, its output is no grid, the network goes around it, or every
            attribution there would be 0.
    """

    def __init__(self, classifier: Classifier, layer: str, probes: Probes | None = None) -> None:
        """
        Args:
            probes: of this layer among others, where many are tried; None: run for this one. Without them an error
                names layers that may serve.
        """
        self.classifier = classifier
        self.layer = layer
        self._module: nn.Module = find_layer(classifier.module, layer, classifier.name)
        with torch.inference_mode(False):
            self._dummy = classifier.black()
        self._one_dummy_serves_all = True
        try:
            if classifier.without_slopes:
                raise LayerError(f"layer {layer!r} cannot be mapped: {classifier.without_slopes}")
            self._layout = self._verified_layout(probes or probe_layers(classifier, [layer]))
        except LayerError as error:
            raise LayerError(f"{error}{'' if probes else self._others()}") from error
        self.feature_shape = self._layout.form.shape

    @property
    def input_size(self) -> tuple[int, int]:
        """(H, W) of the classifier's prepared pictures."""
        return self.classifier.preprocessing.output_size

    def features(self, images: Tensor) -> Features:
        """Run the network up to the layer and stop there.

        Args:
            images: (B, 3, H, W) float32 RGB in [0, 1] on the device; not modified. Of the prepared size; of another
                only in a cut that is `apart`.
        Raises:
            ModelError: the network raised something in front of the layer. LayerError: it never came to the layer.
        """

        def stop(_module: nn.Module, _inputs: object, output: object) -> None:
            raise _ReachedError(output)

        handle = self._module.register_forward_hook(stop)
        try:
            self.classifier.run(self.classifier.normalise(images))
        except _ReachedError as reached:
            return self._layout.to_features(reached.output, images.shape[2], images.shape[3])
        finally:
            handle.remove()
        raise LayerError(f"layer {self.layer!r} did not run on these pictures")

    def logits(self, features: Features) -> Tensor:
        """Run the network behind the layer.

        Differentiable with respect to `features`, backward and forward (autograd, torch.func.jvp, dual tensors).

        Args:
            features: of B pictures; not modified.
        Returns:
            (B, K) float32; its type and shape are checked, that it is finite is not.
        Raises:
            ModelError: the network raised something, or its answer is not (B, K).
        """
        return self._tail(self._layout, features)

    def _tail(self, layout: Layout, features: Features) -> Tensor:
        dummy = self._dummy if self._one_dummy_serves_all else self._dummy.expand(len(features), -1, -1, -1)

        def replace(_module: nn.Module, _inputs: object, output: object) -> object:
            # A copy: the next module may work in place.
            return layout.to_output(features, output)

        handle = self._module.register_forward_hook(replace)
        try:
            with _differentiable_attention():
                output = self.classifier.run(dummy)
        finally:
            handle.remove()
        return self.classifier.read(output, len(features), finite=False)

    def features_and_logits(self, images: Tensor) -> tuple[Features, Tensor]:
        """One whole forward: features as they left the layer, and (B, K) checked logits.

        Raises:
            ModelError: the network raised something, or its answer is not (B, K) finite logits.
        """
        kept: list[object] = []

        def keep(_module: nn.Module, _inputs: object, output: object) -> None:
            kept.append(copied(output))

        handle = self._module.register_forward_hook(keep)
        try:
            logits = self.classifier.logits(images)
        finally:
            handle.remove()
        if not kept:
            raise LayerError(f"layer {self.layer!r} did not run on these pictures")
        return self._layout.to_features(kept[-1], images.shape[2], images.shape[3]), logits

    @contextmanager
    def apart(self) -> Iterator[LayerCut]:
        """Within the body, the same cut of a copy of the network, to be run at sizes that are not the network's own.

        There are networks that adapt to the size of a picture and stay adapted, such as a Swin transformer that keeps
        the smaller window; that happens to the copy. Afterwards the network itself has to answer as before.

        Raises:
            ModelError: the network cannot be copied; or, at the end of the body, it answers otherwise than before.
        """
        twin = copy.copy(self)
        twin.classifier = self.classifier.copied()
        twin._module = find_layer(twin.classifier.module, self.layer, self.classifier.name)
        before = self._answer()
        yield twin
        told = f"after a copy of {self.classifier.name} ran on pictures of another size, the network itself"
        keeps = (
            "it keeps something of a picture's size outside of itself, such as in a global variable; keep it in the "
            "module, or render icons at the network's own size ([atlas] icon_px)"
        )
        try:
            change = float((self._answer() - before).abs().max())
        except ModelError as error:
            raise ModelError(f"{told} fails ({error}): {keeps}") from error
        if change > _TOLERANCE_OF_SIZE * float(before.abs().max()):
            raise ModelError(f"{told} answers otherwise (logits differ by up to {change:.3g}): {keeps}")

    def _answer(self) -> Tensor:
        """Logits of a picture, as the network gives them now."""
        with torch.inference_mode(False), torch.no_grad():
            return self.classifier.logits(noise(self.classifier)[:1])

    def _verified_layout(self, probes: Probes) -> Layout:
        captured, refusals = probes.captured[self.layer], list[LayerError]()
        with torch.inference_mode(False), torch.no_grad():
            for layout in self._layouts(captured, len(probes.images)):
                try:
                    self._verify(layout, captured.output, probes)
                except LayerError as refused:
                    refusals.append(refused)
                else:
                    return layout
        raise refusals[0]

    def _verify(self, layout: Layout, output: object, probes: Probes) -> None:
        features, rounding = layout.to_features(output, *self.input_size), layout.rounding(output)
        for one_dummy in (True, False):
            self._one_dummy_serves_all = one_dummy
            answer = self._answer_of_tail(layout, features)
            if answer is None:
                continue
            leaf, logits = answer
            difference = float((logits - probes.logits).abs().max())
            if difference <= probes.allowed(rounding):
                self._check_places(layout, probes)
                self._check_attribution(layout, leaf, logits, rounding)
                return
        found = "the tail cannot run alone" if answer is None else f"logits differ by up to {difference:.3g}"
        raise LayerError(
            f"the network goes around layer {self.layer!r}: its output alone does not give back the logits ({found})"
        )

    def _layouts(self, captured: Captured, batch: int) -> list[Layout]:
        if captured.calls != 1:
            raise LayerError(f"layer {self.layer!r} runs {captured.calls} times in one forward and must run once")
        found = layouts(captured.output, batch, *self.input_size)
        if not found:
            raise LayerError(
                f"layer {self.layer!r} puts out {shapes_of(captured.output)} for {batch} pictures, not a (B, D, H, W) "
                "grid over the picture of at least 3x3, nor (B, H, W, D), nor (B, T, D) tokens of such a grid"
            )
        return found

    def _answer_of_tail(self, layout: Layout, features: Features) -> tuple[Features, Tensor] | None:
        """Features that the tail's logits can be differentiated by, and those logits; None where it does not run."""
        # of all tensors, so that what is read beside the grid alone is told from a network without derivatives
        leaf = features.each(lambda tensor: tensor.detach().clone().requires_grad_())
        try:
            with torch.enable_grad():
                return leaf, self._tail(layout, leaf.each(Tensor.clone))
        except (RuntimeError, ValueError, IndexError, AssertionError, ModelError) as error:
            pass_out_of_memory(error)
            return None

    def _check_places(self, layout: Layout, probes: Probes) -> None:
        """Refuse tokens that do not stand row by row: a patch that changes has to change its own token above others."""
        if layout.form.axes is not Axes.TOKENS:
            return
        _, rows, columns = layout.form.shape
        places = [(rows // 4, columns // 3), (rows // 2, columns - 1), (rows - 1, columns // 4), (rows // 3, 0)]
        captured = probes.changed_at(self.layer, places, (rows, columns))
        if captured.output is None:
            return
        grid = layout.to_features(captured.output, *self.input_size).grid
        change = (grid[1:] - grid[:1]).norm(dim=1)
        own = torch.stack([each[place] for each, place in zip(change, places, strict=True)])
        beaten = (change < own.view(-1, 1, 1)).float().mean()
        if float(beaten) < _LEAST_BEATEN:
            raise LayerError(
                f"the tokens of layer {self.layer!r} do not stand for places of the picture, row by row: a patch that "
                "changes does not change its own token above others; choose another layer"
            )

    def _check_attribution(self, layout: Layout, features: Features, logits: Tensor, rounding: float) -> None:
        """Refuse a layer at which every attribution would be 0, whatever the picture.

        Args:
            features: that these logits come from. rounding: of their numbers, the least step above 1.
        """
        # a plain sum would be blind where the logits are normalised to a constant sum
        weights = torch.linspace(-1.0, 1.0, logits.shape[1], device=logits.device) ** 3 + 0.5
        with torch.enable_grad():
            slope, *_ = _slopes((logits * weights).sum(), features)
        if not bool(slope.any()):
            self._check_read(layout, features, logits)
            return
        # in doubles: torch calls the cosine of numbers as small as an untrained network's 0
        long, steep = (functional.normalize(each.double(), dim=1, eps=1e-300) for each in (features.grid, slope))
        if float((long * steep).sum(dim=1).abs().max()) < max(_LEAST_COSINE, 2 * rounding):
            raise LayerError(
                f"right behind layer {self.layer!r} the network normalises each activation by its own length, so that "
                "every attribution is 0; choose the output of that norm"
            )

    def _check_read(self, layout: Layout, features: Features, logits: Tensor) -> None:
        """Where no logit changes with the grid: is the head fresh, with weights of 0, or does it read none of it?"""
        # NaN sent backwards passes through weights that are 0 too
        grid, *beside = _slopes(logits, features, torch.full_like(logits, torch.nan))
        if bool(grid.any()):
            return
        if any(bool(each.any()) for each in beside):
            what = "the class token" if layout.form.prefix_tokens else "other outputs of it"
            raise LayerError(
                f"behind layer {self.layer!r} the network reads {what} alone, so that nothing can be "
                "attributed to a position of the picture; choose an earlier layer"
            )
        raise LayerError(
            f"no logit changes with layer {self.layer!r} to first order, as behind a detach(), in quantised operations "
            "or where numbers are rounded, so that every attribution is 0"
        )

    def _others(self, most: int = 6) -> str:
        """Layers that may serve instead: they are read from the network's graph, and not all tried."""
        if self.classifier.without_slopes:
            return "; leave [model] layer out to audit it without an atlas"
        working = [info for info in list_layers(self.classifier) if info.mappable and info.name != self.layer]
        if not working:
            return "; no layer of this network can be mapped"
        shown = ", ".join(f"{info.name!r} {'x'.join(map(str, info.shape))}" for info in working[-most:])
        return f"; layers that can be mapped: {shown}"


def _slopes(of: Tensor, by: Features, start: Tensor | None = None) -> tuple[Tensor, ...]:
    """The gradient of a tensor by all of features, the grid first; 0 where it does not lead there. The graph stays."""
    with DIFFERENTIATING:
        return torch.autograd.grad(
            of, (by.grid, *by.beside), start, retain_graph=True, allow_unused=True, materialize_grads=True
        )


@contextmanager
def _differentiable_attention() -> Iterator[None]:
    """Within the body, attention is computed by plain operations, unless in inference mode, where nothing asks.

    The fused kernels, and the fast path of torch's own transformer modules, have no forward-mode derivative.
    """
    if torch.is_inference_mode_enabled():
        yield
        return
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def features_at(cuts: Sequence[LayerCut], images: Tensor) -> tuple[Features, ...]:
    """Run a network once, up to the last of several layers, and stop there.

    Args:
        cuts: of one classifier, at different layers in any order.
        images: as for `LayerCut.features`.
    Returns:
        What each cut's own `features` gives.
    Raises:
        ModelError, LayerError: as `LayerCut.features`.
    """
    kept: dict[str, object] = {}

    def keeper(layer: str) -> Callable[[nn.Module, object, object], None]:
        def keep(_module: nn.Module, _inputs: object, output: object) -> None:
            kept[layer] = copied(output)
            if len(kept) == len(cuts):
                raise _ReachedError(None)

        return keep

    classifier = cuts[0].classifier
    with ExitStack() as hooks:
        for cut in cuts:
            hooks.callback(cut._module.register_forward_hook(keeper(cut.layer)).remove)
        with suppress(_ReachedError):
            classifier.run(classifier.normalise(images))
    for cut in cuts:
        if cut.layer not in kept:
            raise LayerError(f"layer {cut.layer!r} did not run on these pictures")
    return tuple(cut._layout.to_features(kept[cut.layer], images.shape[2], images.shape[3]) for cut in cuts)


class _ReachedError(ThroughForeignCodeError):
    """Carries the layer's output out of the network's forward."""

    def __init__(self, output: object) -> None:
        super().__init__()
        self.output = output
