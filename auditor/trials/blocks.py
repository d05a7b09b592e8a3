"""Blocks of trials to columns, to bytes and back, joined and read out of each other. Opens no file."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from auditor.core.errors import DamagedFileError
from auditor.core.records import Placement, Split
from auditor.core.records.trials import Draws, TrialBlock, TrialName
from auditor.trials.effects import FURTHER_COLUMNS

DRAW_COLUMNS = tuple(field.name for field in dataclasses.fields(Draws) if field.name != "also")


def trials_table(name: TrialName, block: TrialBlock, class_names: Sequence[str]) -> pa.Table:
    """One row a paste; every printed rate can be counted again from these. What a placement draws beside the numbers
    of every draw has columns of its own, the last ones."""
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
        "target_rank_before": np.tile(block.rank_before, variants),
        "target_rank": block.rank_after.ravel(),
    }
    for column in block.draws[0].also:
        columns[column] = np.concatenate([draws.also[column] for draws in block.draws])
    return pa.table(columns)


def trials_from_table(table: pa.Table) -> TrialBlock:
    """The block of `trials_table`; of an earlier version's, which kept no ranks, with ranks of 0."""
    variants = tuple(dict.fromkeys(table["variant"].to_pylist()))
    images = len(table) // len(variants)
    column = {name: table[name].to_numpy() for name in ("clean", "patched", "target_before")}
    for name in ("target_rank_before", "target_rank"):
        known = name in table.column_names
        column[name] = table[name].to_numpy() if known else np.zeros(len(table), dtype=np.int64)
    # in a table of several placements what one of them alone draws is null for the others
    further = [one for one in FURTHER_COLUMNS if one in table.column_names and not table[one].null_count]
    drawn = {name: table[name].to_numpy() for name in (*DRAW_COLUMNS, *further)}
    draws = tuple(
        Draws.of({name: numbers[row * images : (row + 1) * images] for name, numbers in drawn.items()})
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
        rank_before=column["target_rank_before"][:images],
        rank_after=column["target_rank"].reshape(len(variants), images),
    )


def block_to_bytes(name: TrialName, block: TrialBlock, class_names: Sequence[str]) -> bytes:
    """A block as a parquet file of its own, quickly packed: it is read back once, into the table of all blocks."""
    sink = pa.BufferOutputStream()
    pq.write_table(trials_table(name, block, class_names), sink, compression="lz4", write_page_checksum=True)
    return bytes(sink.getvalue())


def block_from_bytes(data: bytes) -> TrialBlock:
    """The block of `block_to_bytes`.

    Raises:
        DamagedFileError: it is damaged.
    """
    try:
        return trials_from_table(pq.read_table(pa.BufferReader(data), page_checksum_verification=True))
    except (pa.ArrowException, OSError, ValueError, KeyError, IndexError) as error:
        raise DamagedFileError(f"its trials cannot be read ({error})") from error


def blocks_of(table: pa.Table) -> dict[TrialName, TrialBlock]:
    """The blocks of several names in one table, each name's rows in their order.

    A patch that was measured in parts, first on some pictures and then on more, has one block.
    """
    columns = [table[column].to_pylist() for column in ("split", "candidate", "control", "placement")]
    rows: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(zip(*columns, strict=True)):
        rows.setdefault(key, []).append(row)
    return {
        TrialName(Split(split), candidate, control, Placement(placement)): _joined(table.take(taken))
        for (split, candidate, control, placement), taken in rows.items()
    }


def _joined(table: pa.Table) -> TrialBlock:
    """One block of a table in which a part's variants follow each other before the next part begins."""
    variants = table["variant"].to_pylist()
    if len(set(variants)) == 1:
        return trials_from_table(table)
    first = variants[0]
    starts = [0] + [row for row in range(1, len(variants)) if variants[row] == first != variants[row - 1]]
    ends = [*starts[1:], len(variants)]
    return join_blocks(
        [trials_from_table(table.slice(start, end - start)) for start, end in zip(starts, ends, strict=True)]
    )


def join_blocks(blocks: Sequence[TrialBlock]) -> TrialBlock:
    """Blocks of one patch on different pictures as one block; at least one, with the same variants."""
    first = blocks[0]
    draws = tuple(
        Draws.of({name: np.concatenate([block.draws[row].columns[name] for block in blocks]) for name in one.columns})
        for row, one in enumerate(first.draws)
    )
    return TrialBlock(
        image_keys=tuple(itertools.chain.from_iterable(block.image_keys for block in blocks)),
        variants=first.variants,
        draws=draws,
        clean=np.concatenate([block.clean for block in blocks]),
        patched=np.concatenate([block.patched for block in blocks], axis=1),
        before=np.concatenate([block.before for block in blocks]),
        after=np.concatenate([block.after for block in blocks], axis=1),
        flips=np.concatenate([block.flips for block in blocks], axis=1),
        rank_before=np.concatenate([block.rank_before for block in blocks]),
        rank_after=np.concatenate([block.rank_after for block in blocks], axis=1),
    )


def on_pictures(block: TrialBlock, keys: Sequence[str]) -> TrialBlock:
    """A block's trials on some of its pictures, in the order of the keys.

    Raises:
        KeyError: it was not measured on one of them.
    """
    places = {key: place for place, key in enumerate(block.image_keys)}
    taken = np.array([places[key] for key in keys], dtype=np.int64)
    return dataclasses.replace(
        block,
        image_keys=tuple(keys),
        draws=tuple(Draws.of({name: numbers[taken] for name, numbers in one.columns.items()}) for one in block.draws),
        clean=block.clean[taken],
        patched=block.patched[:, taken],
        before=block.before[taken],
        after=block.after[:, taken],
        flips=block.flips[:, taken],
        rank_before=block.rank_before[taken],
        rank_after=block.rank_after[:, taken],
    )


def odds_gain(*blocks: TrialBlock) -> float:
    """Mean gain in the target's log-odds over all pictures of some blocks, logits.

    It predicts flips on other pictures better than flips do, which are few: every picture says something.
    """
    before = np.concatenate([block.before for block in blocks]).astype(np.float64)
    after = np.concatenate([block.best_after for block in blocks]).astype(np.float64)
    return float((_log_odds(after) - _log_odds(before)).mean())


def _log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    # 1e-6: float32 probabilities close to 1 hold no more, and one certain picture must not outweigh all others
    clipped = np.clip(probability, 1e-6, 1.0 - 1e-6)
    return np.asarray(np.log(clipped) - np.log1p(-clipped), dtype=np.float64)
