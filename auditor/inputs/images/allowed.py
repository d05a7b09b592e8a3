"""Where in a picture a sticker may go: the masks of `images.places`, as the network sees the pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from auditor.core.config import AuditConfig
from auditor.core.errors import AnnotationError, UnreadableImageError
from auditor.core.plain_text import file_name
from auditor.core.records import ImageRecord
from auditor.inputs.images.annotations_matching import Pictures, refuse_shared_masks
from auditor.inputs.images.reading import decode_rgba, read_bytes
from auditor.inputs.model.preprocessing import Preprocessing

Allowed = NDArray[np.bool_]
"""(H, W), true where a sticker may go."""

_WHITE = 128
"""Levels from which on a mask counts as white."""


def check_allowed(config: AuditConfig, size: tuple[int, int] | None) -> None:
    """Refuse what `read_allowed` would, as far as can be told before any picture is read.

    Args:
        size: (H, W) of prepared pictures; None where it is not known yet.
    Raises:
        AnnotationError: there is nothing, or the one mask for all pictures cannot serve.
    """
    if config.images.places is None:
        return
    path = config.path(config.images.places)
    if path.is_dir():
        refuse_shared_masks(path, Pictures(config), _mask_of)
    elif not path.exists():
        raise AnnotationError(f"there is no mask and no folder of masks at {path}; correct images.places")
    elif size is not None:
        _for_all(path, size, config)


def read_allowed(
    config: AuditConfig, images: Sequence[ImageRecord], preprocessing: Preprocessing
) -> Mapping[str, Allowed] | None:
    """Where a sticker may go in pictures, by their keys, (H, W) each as the network sees them; None: anywhere.

    One mask for all is laid over what the network sees; of a folder each picture has its own, at its own size, and that
    is resized and cropped as the picture is. A pixel is white from level 128 on, and where it is opaque.

    Args:
        images: those that patches are pasted on.
    Raises:
        AnnotationError: a mask is missing, cannot be read, has the wrong size or proportions, or allows no place.
    """
    if config.images.places is None:
        return None
    path, size = config.path(config.images.places), preprocessing.output_size
    if not path.is_dir():
        check_allowed(config, size)
        return dict.fromkeys((image.key for image in images), _for_all(path, size, config))
    pictures = Pictures(config)
    refuse_shared_masks(path, pictures, _mask_of)
    paths = [_mask_path(path, pictures, image, config) for image in images]
    _refuse_missing(path, images, paths)
    return {
        image.key: _of_picture(mask, image, preprocessing, config)
        for image, mask in zip(images, paths, strict=True)
        if mask is not None
    }


def _mask_of(masks: Path, relative: str) -> Path:
    return (masks / relative).with_suffix(".png")


def _mask_path(masks: Path, pictures: Pictures, image: ImageRecord, config: AuditConfig) -> Path | None:
    where = os.path.normpath(config.base.resolve() / file_name(image.path))
    paths = (_mask_of(masks, relative) for relative in pictures.relative_to_roots(where))
    return next((path for path in paths if path.is_file()), None)


def _refuse_missing(folder: Path, images: Sequence[ImageRecord], paths: Sequence[Path | None]) -> None:
    missing = [image.path for image, path in zip(images, paths, strict=True) if path is None]
    if missing:
        more = f" and for {len(missing) - 1} more" if len(missing) > 1 else ""
        raise AnnotationError(
            f"{folder} has no mask for {missing[0]}{more}; every source picture needs one at its own relative path, "
            "ending in .png, white where a sticker may go"
        )


def _for_all(path: Path, size: tuple[int, int], config: AuditConfig) -> Allowed:
    mask, (height, width) = _read(path, config), size
    if abs(mask.width * height - mask.height * width) > max(mask.width, mask.height, height, width):
        raise AnnotationError(
            f"the mask {path} has {mask.width}×{mask.height} pixels, and what the network sees of a picture "
            f"{width}×{height}; one mask for all pictures needs these proportions, else give a folder with a mask for "
            "each picture"
        )
    if mask.size != (width, height):
        mask = mask.resize((width, height), Image.Resampling.NEAREST)
    return _not_empty(np.asarray(mask) > 0, path, "")


def _of_picture(path: Path, image: ImageRecord, preprocessing: Preprocessing, config: AuditConfig) -> Allowed:
    mask = _read(path, config)
    if mask.size != (image.width_px, image.height_px):
        raise AnnotationError(
            f"the mask {path} has {mask.width}×{mask.height} pixels, its picture {image.path} "
            f"{image.width_px}×{image.height_px} (upright); draw it at the picture's size"
        )
    nearest = replace(preprocessing, interpolation="nearest")
    return _not_empty(nearest.prepare(mask.convert("RGB"))[0] > 0, path, " in what the network sees of its picture")


def _not_empty(allowed: Allowed, path: Path, where: str) -> Allowed:
    if not allowed.any():
        raise AnnotationError(f"the mask {path} allows no place{where}; make it white where a sticker may go")
    return allowed


def _read(path: Path, config: AuditConfig) -> Image.Image:
    """A mask in mode L, 255 where it is white and 0 elsewhere."""
    most = config.images.max_pixels
    try:
        layered = decode_rgba(read_bytes(path, most), most)
    except UnreadableImageError as problem:
        raise AnnotationError(f"the mask {path} cannot be read: {problem}") from problem
    grey, alpha = np.asarray(layered.convert("L")), np.asarray(layered.getchannel("A"))
    return Image.fromarray(np.where((grey >= _WHITE) & (alpha >= _WHITE), 255, 0).astype(np.uint8))
