"""What a run knows of its pictures that tells where patches may lie."""

from __future__ import annotations

from auditor.core.config import TrialsConfig
from auditor.core.hashing import sha256_of, sha256_of_file
from auditor.core.records import ImagePool
from auditor.inputs.fingerprints import ALLOWED, files_of
from auditor.inputs.images.allowed import read_allowed
from auditor.inputs.opening import Inputs
from auditor.run.stage import Run
from auditor.run.stages.images import IMAGES
from auditor.trials.grounds import Grounds


def grounds_of(inputs: Inputs, pool: ImagePool) -> Grounds:
    """The grounds of a pool's source pictures, of every split.

    Raises:
        AnnotationError: a mask of `images.places` cannot serve.
    """
    images = [image for image in pool.images if image.label in inputs.source.indices]
    return Grounds(read_allowed(inputs.config, images, inputs.classifier.preprocessing))


def open_grounds(run: Run) -> Grounds:
    """The grounds of a run's own pictures."""
    return grounds_of(run.inputs, run.get(IMAGES))


def deciding(inputs: Inputs, pasting: TrialsConfig) -> str:
    """What decides where and how patches are pasted under some settings, as text: these, and the masks."""
    masks = files_of(inputs.config, ALLOWED)
    if not masks:
        return pasting.deciding
    told = sha256_of("".join(sha256_of_file(path) for _, path in sorted(masks.items())).encode())
    return f"{pasting.deciding} places {told}"
