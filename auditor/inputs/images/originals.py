"""Photographs of stored pictures again, at full resolution and as they were when the pool was built."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import ImageError, UnreadableImageError
from auditor.core.records import ImageRecord
from auditor.inputs.images.reading import decode_image
from auditor.inputs.images.sources import find_image, source_paths, whereabouts


def load_original(image: ImageRecord, config: AuditConfig) -> Image.Image:
    """The picture of a record at full resolution, upright RGB, as it was when the pool was built.

    Raises:
        ImageError: it is gone, cannot be read any more, or holds other bytes.
    """
    where = whereabouts(image.path, config)
    advice = "put it back as it was, or start a new run"
    try:
        reference = find_image(where, source_paths(config))
        data = reference.open(config.images.max_pixels)
        if hashlib.sha256(data).hexdigest() != image.sha256:
            raise ImageError(f"the picture {where} has changed since this run was begun; {advice}")
        return decode_image(data, config.images.max_pixels)
    except UnreadableImageError as error:
        raise ImageError(
            f"the picture {where} was there when this run was begun and is not now ({error}); {advice}"
        ) from error


class Originals:
    """Opens photographs as `load_original` does, and keeps the last ones decoded: what is cut of one is cut together.

    Args:
        config: of the audit whose pictures they are.
        most_pixels: kept at any time, of all photographs together, at four bytes each; a larger photograph is not kept.
    """

    def __init__(self, config: AuditConfig, most_pixels: int = 50_000_000) -> None:
        self._config = config
        self._most_pixels = most_pixels
        self._kept: OrderedDict[str, Image.Image] = OrderedDict()

    @property
    def pixels(self) -> int:
        """How many pixels are kept now."""
        return sum(image.width * image.height for image in self._kept.values())

    def open(self, image: ImageRecord) -> Image.Image:
        """A record's photograph, for reading alone: others get the same picture.

        Raises:
            ImageError: as `load_original`, where it is not among those kept.
        """
        if image.sha256 in self._kept:
            self._kept.move_to_end(image.sha256)
            return self._kept[image.sha256]
        original = load_original(image, self._config)
        if original.width * original.height <= self._most_pixels:
            self._kept[image.sha256] = original
        while self.pixels > self._most_pixels:
            self._kept.popitem(last=False)
        return original
