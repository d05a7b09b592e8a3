"""The photograph of a stored picture again, at full resolution and as it was when the pool was built."""

from __future__ import annotations

import hashlib

from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import ImageError, UnreadableImageError
from auditor.core.records import ImageRecord
from auditor.inputs.images.reading import decode_image
from auditor.inputs.images.sources import find_image, given_sources, whereabouts


def load_original(image: ImageRecord, config: AuditConfig) -> Image.Image:
    """The picture of a record at full resolution, upright RGB, as it was when the pool was built.

    Raises:
        ImageError: it is gone, cannot be read any more, or holds other bytes.
    """
    where = whereabouts(image.path, config)
    advice = "put it back as it was, or start a new run"
    try:
        reference = find_image(where, [given.path for given in given_sources(config)])
        data = reference.open(config.images.max_pixels)
        if hashlib.sha256(data).hexdigest() != image.sha256:
            raise ImageError(f"the picture {where} has changed since this run was begun; {advice}")
        return decode_image(data, config.images.max_pixels)
    except UnreadableImageError as error:
        raise ImageError(
            f"the picture {where} was there when this run was begun and is not now ({error}); {advice}"
        ) from error
