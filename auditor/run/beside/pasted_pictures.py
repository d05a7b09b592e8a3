"""Counterexamples of the one kind: failing features pasted on pictures of other classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from auditor.core.draws import keyed_generator
from auditor.core.records import PixelArray, Placement, Spot
from auditor.core.shelf import slug
from auditor.inputs.images.pixels import to_float
from auditor.run.beside.bases import Base, InTurn, Made, opened
from auditor.run.beside.features import Feature
from auditor.run.folder import Json
from auditor.run.stage import Run
from auditor.trials.pasting import Sticker, paste
from auditor.trials.patch import Patch
from auditor.trials.placements import Variant, at_spot, draw, largest_side_px, variants_of

PATCHES = "patches"

PASTED_UNDER = (Placement.FIXED, Placement.BEST, Placement.RANDOM)
"""Placements that are drawn from: those that change nothing but the patch."""

AT_OWN_PLACE = 0.5
"""Of a finding that fails at its own place, the share of crops alike that lie there, too; its own patch says nothing
elsewhere, and always does."""

OVER = 0.75
"""Of the others, the share that lie over the middle, up to the largest size that the report has a map of: there they
cover what the picture shows, and a network has to tell it by what is left."""

_MIDDLE = (0.2, 0.8)
"""Of the way that a patch has inside the picture, down and across."""

_SHARPER = 2
"""Pictures are kept at up to so many times the size at which the model sees them."""


class PastedPictures:
    """Pastes features on pictures, each paste keyed by its counterexample's number alone."""

    def __init__(self, run: Run, features: Sequence[Feature], seed: int) -> None:
        self._trials, self._places, self._features, self._seed = run.config.trials, run.config.places, features, seed
        self._preprocessing = run.inputs.classifier.preprocessing
        self._variants = [variants_of(placement, run.config.trials) for placement in PASTED_UNDER]
        self._stickers = {
            patch.candidate.id: Sticker(patch.rgba, torch.device("cpu")) for one in features for patch in one.used
        }

    def make(self, bases: InTurn, turn: int, number: int) -> Made:
        """The counterexample of a number, on the picture whose turn it is."""
        generator = keyed_generator(self._seed, "counterexamples", number)
        base, again = bases.at(turn)
        feature = self._features[again % len(self._features)]
        patch = feature.used[int(generator.integers(len(feature.used)))]
        variant = self._variant(feature, patch, generator)
        pixels, drawn = self._pasted(base, patch, variant, number)
        said = {"finding": feature.finding, "patch": f"{PATCHES}/{patch.candidate.id}.png", "variant": variant.name}
        return Made(base, pixels, slug(patch.candidate.id), {**said, **drawn})

    def _variant(self, feature: Feature, patch: Patch, generator: np.random.Generator) -> Variant:
        if patch.candidate.spot is not None:
            return at_spot(patch.candidate.spot)
        if feature.spot is not None and generator.random() < AT_OWN_PLACE:
            return at_spot(feature.spot)
        if generator.random() < OVER:
            down, across = generator.uniform(*_MIDDLE, size=2).tolist()
            sizes = (self._trials.size, max(self._trials.size, *self._places.sizes))
            over = at_spot(Spot(down, across, float(generator.uniform(*sizes))))
            return replace(over, name=over.name.replace("own", "over", 1))
        variants = self._variants[int(generator.integers(len(self._variants)))]
        return variants[int(generator.integers(len(variants)))]

    def _pasted(self, base: Base, patch: Patch, variant: Variant, number: int) -> tuple[PixelArray, dict[str, Json]]:
        """The picture with the patch where the model looks, and where that is, in pixels of the picture."""
        picture = opened(base, self._preprocessing, _SHARPER)
        sticker = self._stickers[patch.candidate.id]
        draws = draw(
            variant,
            self._trials,
            [base.record.key],
            f"counterexample {number}",
            sticker.aspect,
            picture.size,
            self._seed,
        )
        part = picture.pixels[picture.seen]
        seen = to_float(np.ascontiguousarray(part.transpose(2, 0, 1))[None], torch.device("cpu"))
        paste(seen, sticker, draws, largest_side_px(variant, self._trials, picture.size))
        part[:] = seen[0].mul(255.0).round_().clamp_(0, 255).byte().numpy().transpose(1, 2, 0)
        where = {name: round(float(values[0]), 4) for name, values in draws.columns.items()}
        top, left = (side.start for side in picture.seen)
        return picture.pixels, {**where, "centre_y": where["centre_y"] + top, "centre_x": where["centre_x"] + left}
