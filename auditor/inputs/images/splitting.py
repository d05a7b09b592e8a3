"""Which split a picture belongs to, from content hashes and near-duplicate groups; it sees no pixel and no path."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from auditor.core.records import Split

Shares = tuple[float, float, float]

_ORDER = (Split.DISCOVERY, Split.SELECTION, Split.CONFIRMATION)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The split of one picture, or why it has none (`split` is None); `like`: index of the picture it resembles."""

    split: Split | None
    reason: str = ""
    like: int | None = None


def keyed_fraction(seed: int, purpose: str, sha256: str) -> float:
    """A number in [0, 1) that depends on the seed, on what it is for and on the picture's content alone."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{sha256}".encode()).digest()
    # 53 bits are what a float holds exactly; with more, rounding could give 1.0.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def split_by_hash(sha256s: Sequence[str], groups: Sequence[int], shares: Shares, seed: int) -> list[Split]:
    """Split pictures so that a group stays together and a picture's split does not depend on the other groups.

    Args:
        sha256s: content hash of each picture.
        groups: near-duplicate group of each picture.
        shares: of discovery, selection and confirmation; they add up to 1, and a share of 0 stays empty.
        seed: another seed, another split.
    Returns:
        One split a picture. Adding pictures moves others only where they join their group.
    """
    smallest: dict[int, str] = {}
    for sha256, group in zip(sha256s, groups, strict=True):
        smallest[group] = min(sha256, smallest.get(group, sha256))
    drawn = {group: _split_of(keyed_fraction(seed, "split", sha256), shares) for group, sha256 in smallest.items()}
    return [drawn[group] for group in groups]


def _split_of(fraction: float, shares: Shares) -> Split:
    if fraction < shares[0]:
        return Split.DISCOVERY
    # The last share that is not 0 takes what rounding leaves over.
    if shares[2] == 0 or fraction < shares[0] + shares[1]:
        return Split.SELECTION
    return Split.CONFIRMATION


def assign_splits(
    given: Sequence[Split | None], sha256s: Sequence[str], groups: Sequence[int], shares: Shares, seed: int
) -> list[Assignment]:
    """Give every picture a split such that no near-duplicate group straddles two.

    Args:
        given: the split a picture must go to because of its folder or class; None: split by hash.
        sha256s, groups, shares, seed: as `split_by_hash`.
    Returns:
        One assignment a picture. Where a group holds hash-split pictures, they decide: a discovery picture beside
        held-out ones is left out. Otherwise the earlier split keeps its picture and the held-out copy is left out,
        since nothing that was looked at may be counted later.
    """
    free = [index for index, split in enumerate(given) if split is None]
    drawn = split_by_hash([sha256s[i] for i in free], [groups[i] for i in free], shares, seed)
    assigned = {index: Assignment(split) for index, split in zip(free, drawn, strict=True)}
    holder: dict[int, tuple[Split, int]] = {}
    for index, split in zip(free, drawn, strict=True):
        holder.setdefault(groups[index], (split, index))
    for split in _ORDER:
        for index in (index for index, wanted in enumerate(given) if wanted == split):
            held, like = holder.setdefault(groups[index], (split, index))
            assigned[index] = Assignment(split) if held == split else Assignment(None, _reason(split, held), like)
    return [assigned[index] for index in range(len(given))]


def _reason(wanted: Split, held: Split) -> str:
    if wanted == Split.DISCOVERY:
        return "near-duplicate of a held-out picture"
    return f"near-duplicate of a {held} picture"


def stand_for(sha256s: Sequence[str], groups: Sequence[int], splits: Sequence[Split | None]) -> list[int]:
    """Which picture stands for each one where trials are counted: near-duplicates are not tried independently.

    Args:
        sha256s, groups: as `split_by_hash`; splits: as assigned, so that a group lies in one of them.
    Returns:
        An index a picture: of the smallest content hash of its group on selection and confirmation; elsewhere its own.
    """
    held_out = [split in (Split.SELECTION, Split.CONFIRMATION) for split in splits]
    smallest: dict[int, int] = {}
    for index in (index for index, held in enumerate(held_out) if held):
        before = smallest.setdefault(groups[index], index)
        if sha256s[index] < sha256s[before]:
            smallest[groups[index]] = index
    return [
        smallest[group] if held else index for index, (group, held) in enumerate(zip(groups, held_out, strict=True))
    ]


def keep_smallest(sha256s: Sequence[str], strata: Sequence[Hashable], most: int, seed: int) -> list[bool]:
    """Which pictures to keep so that no stratum has more than `most`: those with the smallest keyed content hash."""
    members: dict[Hashable, list[int]] = {}
    for index, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(index)
    kept = [False] * len(sha256s)
    for indices in members.values():
        indices.sort(key=lambda index: (keyed_fraction(seed, "keep", sha256s[index]), sha256s[index]))
        for index in indices[:most]:
            kept[index] = True
    return kept
