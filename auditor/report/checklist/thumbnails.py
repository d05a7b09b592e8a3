"""Small pictures of what was confirmed, to lie beside the checklist: Markdown's hosts show files, and no data URIs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from urllib.parse import quote

from PIL import Image

from auditor.core.records import AuditResult

FOLDER = "thumbnails"
LONGEST_PX = 72


def thumbnails(result: AuditResult) -> Mapping[str, bytes]:
    """PNG by file name below the run folder, one a confirmed candidate whose picture can be read."""
    found = {}
    for candidate in dict.fromkeys(finding.candidate.id for finding in result.findings):
        png = _small(result.pictures.get(f"candidate-{candidate}"))
        if png is not None:
            found[f"{FOLDER}/{candidate}.png"] = png
    return found


def thumbnail_links(result: AuditResult) -> Mapping[str, str]:
    """Where each of them lies, by candidate, as a link from the checklist."""
    files = thumbnails(result)
    return {file.removeprefix(f"{FOLDER}/").removesuffix(".png"): quote(file) for file in files}


def _small(png: bytes | None) -> bytes | None:
    if png is None:
        return None
    try:
        with Image.open(io.BytesIO(png), formats=("PNG", "WEBP")) as opened:
            image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    image.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
