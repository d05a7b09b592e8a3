"""A command's answer as JSON, whatever names and numbers are in it. It prints nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from auditor.core.plain_text import plain


def answer_text(value: Mapping[str, object]) -> str:
    """JSON, indented by two and ending in a line break, that every parser and terminal can hold.

    Args:
        value: of texts, enumerations, paths, numbers, None, mappings and what can be iterated over. Of texts stands
            what a person is shown (`plain`); a number that was not measured (not finite) is null.
    """
    return json.dumps(_json(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _json(value: object) -> object:
    if isinstance(value, (str, Path)):
        return plain(str(value))
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(name)): _json(one) for name, one in value.items()}
    if isinstance(value, Iterable):
        return [_json(one) for one in value]
    raise TypeError(f"{type(value).__name__} has no place in JSON")
