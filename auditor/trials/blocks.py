"""Blocks of trials to columns and back. Opens no file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from auditor.core.records.trials import Draws, TrialBlock, TrialName

DRAW_COLUMNS = tuple(field.name for field in dataclasses.fields(Draws))


def trials_table(name: TrialName, block: TrialBlock, class_names: Sequence[str]) -> pa.Table:
    """One row a paste; every printed rate can be counted again from these."""
    variants, images = block.patched.shape
    names = pa.array(class_names)
    columns: dict[str, object] = {
        "image": list(block.image_keys) * variants,
        "split": [str(name.split)] * (variants * images),
        "candidate": [name.candidate] * (variants * images),
        "control": [name.control] * (variants * images),
        "placement": [str(name.placement)] * (variants * images),
        "variant": [variant for variant in block.variants for _ in range(images)],
    }
    for column in DRAW_COLUMNS:
        columns[column] = np.concatenate([getattr(draws, column) for draws in block.draws])
    columns |= {
        "clean": np.tile(block.clean, variants),
        "clean_class": names.take(pa.array(np.tile(block.clean, variants))),
        "patched": block.patched.ravel(),
        "patched_class": names.take(pa.array(block.patched.ravel())),
        "target_before": np.tile(block.before, variants),
        "target_after": block.after.ravel(),
        "flip": block.flips.ravel(),
    }
    return pa.table(columns)


def trials_from_table(table: pa.Table) -> TrialBlock:
    """The block of `trials_table`."""
    variants = tuple(dict.fromkeys(table["variant"].to_pylist()))
    images = len(table) // len(variants)
    column = {name: table[name].to_numpy() for name in (*DRAW_COLUMNS, "clean", "patched", "target_before")}
    draws = tuple(
        Draws(*(column[name][row * images : (row + 1) * images] for name in DRAW_COLUMNS))
        for row in range(len(variants))
    )
    return TrialBlock(
        image_keys=tuple(table["image"].to_pylist()[:images]),
        variants=variants,
        draws=draws,
        clean=column["clean"][:images],
        patched=column["patched"].reshape(len(variants), images),
        before=column["target_before"][:images],
        after=table["target_after"].to_numpy().reshape(len(variants), images),
        flips=table["flip"].to_numpy(zero_copy_only=False).reshape(len(variants), images),
    )
