"""Records to columns and back: what the parquet and JSON files of a run folder hold. Opens no file."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from functools import cache
from typing import Any, get_type_hints

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter

from auditor.core.plain_text import json_text
from auditor.core.records import (
    AuditResult,
    Candidate,
    Cell,
    CellHeld,
    CellLabel,
    CellStability,
    Exemplar,
    ImageRecord,
)
from auditor.core.records.candidates import role_in_id
from auditor.core.records.trials import Outcome

_KEPT_APART = ("cells", "pictures", "policy", "signed", "explored", "destinations", "planted")
_STABILITY = TypeAdapter(CellStability)
_SUPPORTS = TypeAdapter(tuple[CellLabel, ...])


def images_table(images: Sequence[ImageRecord], class_names: Sequence[str]) -> pa.Table:
    """One row a used picture."""
    rows = [{**dataclasses.asdict(image), "label_name": class_names[image.label]} for image in images]
    return pa.Table.from_pylist(rows)


def unlabelled_table(images: Sequence[ImageRecord]) -> pa.Table:
    """One row a picture without a label."""
    return pa.Table.from_pylist([dataclasses.asdict(image) for image in images])


def images_from_table(table: pa.Table) -> tuple[ImageRecord, ...]:
    """The records of `images_table`, or of `unlabelled_table`."""
    names = [field.name for field in dataclasses.fields(ImageRecord)]
    adapter = TypeAdapter(tuple[ImageRecord, ...])
    return adapter.validate_python(table.select(names).to_pylist())


def candidates_table(candidates: Sequence[Candidate]) -> pa.Table:
    """One row a candidate; `box` is a list of four pixels or null, `shows` a JSON object name -> share."""
    rows = []
    for candidate in candidates:
        row = dataclasses.asdict(candidate)
        row["box"] = list(candidate.box) if candidate.box else None
        row["suggested"] = candidate.suggested
        row["shows"] = json.dumps(dict(candidate.shows), ensure_ascii=False)
        rows.append(row)
    return pa.Table.from_pylist(rows)


def candidates_from_table(table: pa.Table) -> tuple[Candidate, ...]:
    """The records of `candidates_table`."""
    rows = [{**_with_role(row), "shows": tuple(json.loads(row["shows"]).items())} for row in table.to_pylist()]
    return TypeAdapter(tuple[Candidate, ...]).validate_python(rows)


def _with_role(values: dict[str, object]) -> dict[str, object]:
    """A candidate's values with its role, which older run folders do not hold; any other values as they are."""
    older_candidate = {"id", "origin", "tier"} <= values.keys() and "role" not in values
    return {**values, "role": role_in_id(str(values["id"]))} if older_candidate else values


def cells_table(cells: Sequence[Cell], image_keys: Sequence[str]) -> pa.Table:
    """One row a cell; vectors are lists, exemplars are lists of picture key, row of the pool, y, x, contrast, share."""
    rows = []
    for cell in cells:
        row: dict[str, object] = {
            field.name: getattr(cell, field.name) for field in dataclasses.fields(Cell) if field.name != "exemplars"
        }
        for name in ("mean_activation", "mean_attribution", "attribution_error"):
            row[name] = getattr(cell, name).tolist()
        row["supports"] = [dataclasses.asdict(label) for label in cell.supports]
        row["stability"] = None if cell.stability is None else dataclasses.asdict(cell.stability)
        row["held"] = None if cell.held is None else dataclasses.asdict(cell.held)
        row["exemplars"] = [
            {**dataclasses.asdict(exemplar), "image": image_keys[exemplar.image_row]} for exemplar in cell.exemplars
        ]
        rows.append({"name": cell.name, **row})
    return pa.Table.from_pylist(rows)


def cells_from_table(table: pa.Table) -> tuple[Cell, ...]:
    """The records of `cells_table`."""
    cells = []
    for row in table.to_pylist():
        del row["name"]
        stability, held = row.pop("stability"), row.pop("held", None)
        row["supports"] = _SUPPORTS.validate_python(row["supports"])
        for name in ("mean_activation", "mean_attribution", "attribution_error"):
            row[name] = np.array(row[name], dtype=np.float32)
        row["exemplars"] = tuple(
            Exemplar(found["image_row"], found["y"], found["x"], found["contrast"], found.get("share", math.nan))
            for found in row["exemplars"]
        )
        held = None if held is None else CellHeld(**held)
        stability = None if stability is None else _STABILITY.validate_python(stability)
        cells.append(Cell(**row, stability=stability, held=held))
    return tuple(cells)


def pushes_table(cells: Sequence[Cell]) -> pa.Table:
    """One row a cell: its layer, its name, and its predicted push with its error, NaN where it was not screened."""
    return pa.table(
        {
            "layer": pa.array([cell.layer for cell in cells], pa.string()),
            "cell": pa.array([cell.name for cell in cells], pa.string()),
            "predicted_push": pa.array([cell.predicted_push for cell in cells], pa.float64()),
            "predicted_push_error": pa.array([cell.predicted_push_error for cell in cells], pa.float64()),
        }
    )


def pushes_from_table(table: pa.Table) -> dict[tuple[str, str], tuple[float, float]]:
    """The predicted push of each cell by layer and name, and its error, of `pushes_table`."""
    return {
        (row.get("layer", ""), row["cell"]): (row["predicted_push"], row["predicted_push_error"])
        for row in table.to_pylist()
    }


def outcome_to_json(outcome: Outcome) -> str:
    """How a run's trials ended, as JSON; the trials themselves are a table."""
    values = TypeAdapter(Outcome).dump_python(outcome, mode="json")
    return json_text(values, indent=1)


def outcome_from_json(text: str) -> Outcome:
    """The record of `outcome_to_json`."""
    return TypeAdapter(Outcome).validate_python(json.loads(text, object_hook=_with_role))


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    """The adapter of a type, made once: building those of all of a result's fields takes as long as many an audit's
    statistics."""
    return TypeAdapter(hint)


def result_to_json(result: AuditResult) -> str:
    """An audit's result without its cells and pictures, which have files of their own."""
    hints = get_type_hints(AuditResult)
    values = {
        name: _adapter(hint).dump_python(getattr(result, name), mode="json")
        for name, hint in hints.items()
        if name not in _KEPT_APART
    }
    return json_text(values, indent=1)


def result_from_json(text: str, cells: tuple[Cell, ...], pictures: dict[str, bytes]) -> AuditResult:
    """The result of `result_to_json` with its cells and pictures put back."""
    hints = get_type_hints(AuditResult)
    stored = json.loads(text, object_hook=_with_role)
    values = {name: _adapter(hints[name]).validate_python(value) for name, value in stored.items()}
    return AuditResult(**values, cells=cells, pictures=pictures)
