"""What a run knows of its pictures that tells where patches may lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional

from auditor.atlas.attribution import attribution_map
from auditor.core.config import TrialsConfig
from auditor.core.hashing import sha256_of, sha256_of_file
from auditor.core.records import FloatArray, ImagePool
from auditor.inputs.fingerprints import ALLOWED, files_of
from auditor.inputs.images.allowed import read_allowed
from auditor.inputs.images.pixels import to_float
from auditor.inputs.model.memory import Batches
from auditor.inputs.model.naming import naming
from auditor.inputs.opening import Inputs
from auditor.run.stage import Run
from auditor.run.stages.images import IMAGES
from auditor.trials.grounds import Grounds


def grounds_of(inputs: Inputs, pool: ImagePool) -> Grounds:
    """The grounds of a pool's source pictures, of every split.

    Raises:
        AnnotationError: a mask of `images.places` cannot serve. ModelError: the network fails on a picture, where a
            placement asks for its attribution.
    """
    rows = [row for row, image in enumerate(pool.images) if image.label in inputs.source.indices]
    allowed = read_allowed(inputs.config, [pool.images[row] for row in rows], inputs.classifier.preprocessing)
    asked = any(placement.by_attribution for placement in inputs.config.trials.placements)
    return Grounds(allowed, _source_attribution(inputs, pool, rows) if asked else None)


def with_attribution(grounds: Grounds, inputs: Inputs, pool: ImagePool, rows: Sequence[int]) -> Grounds:
    """Grounds that know the attribution of some pictures as well, where they do not already."""
    if grounds.attribution is not None:
        return grounds
    return replace(grounds, attribution=_source_attribution(inputs, pool, rows))


def _source_attribution(inputs: Inputs, pool: ImagePool, rows: Sequence[int]) -> Mapping[str, FloatArray]:
    """The source's attribution around each pixel of some pictures: the layer's grid, enlarged bilinearly; logits.

    Raises:
        ModelError: the network fails; names the picture that it fails on, where it is one.
    """
    cut, size = inputs.cut, inputs.classifier.preprocessing.output_size

    def maps(part: slice) -> FloatArray:
        images = to_float(pool.pixels[list(rows[part])], inputs.classifier.device)
        with torch.no_grad():
            features = cut.features(images)
        found = attribution_map(cut, features, inputs.source).unsqueeze(1)
        enlarged = functional.interpolate(found, size, mode="bilinear", align_corners=False)
        return np.asarray(enlarged[:, 0].cpu().numpy(), dtype=np.float32)

    batches = Batches(inputs.config.compute.batch_size)
    found = [part for _, part in batches.each(len(rows), naming(maps, pool.paths(np.array(rows, dtype=np.int64))))]
    keys = [pool.images[row].key for row in rows]
    return dict(zip(keys, np.concatenate(found), strict=True)) if found else {}


def open_grounds(run: Run) -> Grounds:
    """The grounds of a run's own pictures."""
    return grounds_of(run.inputs, run.get(IMAGES))


def deciding(inputs: Inputs, pasting: TrialsConfig) -> str:
    """What decides where and how patches are pasted under some settings, as text: these, the layer, the masks."""
    masks = files_of(inputs.config, ALLOWED)
    layer = f" at {inputs.layer}" if any(placement.by_attribution for placement in pasting.placements) else ""
    if not masks:
        return f"{pasting.deciding}{layer}"
    told = sha256_of("".join(sha256_of_file(path) for _, path in sorted(masks.items())).encode())
    return f"{pasting.deciding}{layer} places {told}"
