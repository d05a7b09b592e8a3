"""Splits depend on content and seed alone, keep groups together and leave straddling copies out."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.core.records import Split
from auditor.inputs.images.splitting import assign_splits, keep_smallest, keyed_fraction, split_by_hash, stand_for

D, S, C = Split.DISCOVERY, Split.SELECTION, Split.CONFIRMATION
SHARES = (0.3, 0.3, 0.4)


def hashes(count: int, start: int = 0) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(start, start + count)]


def test_the_keyed_fraction_is_the_documented_hash() -> None:
    digest = hashlib.sha256(b"7/split/abc").hexdigest()
    assert keyed_fraction(7, "split", "abc") == pytest.approx(int(digest[:16], 16) / 16**16, abs=1e-15)


def test_shares_are_met_and_the_seed_matters() -> None:
    sha256s = hashes(6000)
    splits = split_by_hash(sha256s, range(6000), SHARES, 1)
    # Standard deviation of a count: at most sqrt(6000 · 0.24) = 38.
    assert abs(splits.count(D) - 1800) < 4 * 38
    assert abs(splits.count(S) - 1800) < 4 * 38
    other = split_by_hash(sha256s, range(6000), SHARES, 2)
    same = sum(a == b for a, b in zip(splits, other, strict=True))
    assert abs(same - 6000 * (0.09 + 0.09 + 0.16)) < 4 * 38


def test_a_share_of_nothing_stays_empty() -> None:
    assert set(split_by_hash(hashes(500), range(500), (0.5, 0.5, 0.0), 0)) == {D, S}


@given(
    groups=st.lists(st.integers(0, 6), min_size=1, max_size=25),
    added=st.lists(st.integers(0, 12), max_size=25),
    seed=st.integers(0, 99),
)
def test_added_pictures_move_only_the_groups_they_join(groups: list[int], added: list[int], seed: int) -> None:
    sha256s = hashes(len(groups) + len(added))
    before = split_by_hash(sha256s[: len(groups)], groups, SHARES, seed)
    after = split_by_hash(sha256s, groups + added, SHARES, seed)
    for index, group in enumerate(groups):
        if group not in added:
            assert after[index] == before[index]
    for group in {*groups, *added}:
        assert len({split for split, its in zip(after, groups + added, strict=True) if its == group}) == 1


@given(
    pictures=st.lists(st.tuples(st.sampled_from([None, D, S, C]), st.integers(0, 8)), max_size=40),
    seed=st.integers(0, 99),
)
def test_no_group_straddles_two_splits_and_none_vanishes(pictures: list, seed: int) -> None:
    given_splits = [split for split, _ in pictures]
    groups = [group for _, group in pictures]
    assigned = assign_splits(given_splits, hashes(len(pictures)), groups, SHARES, seed)
    for group in set(groups):
        used = {one.split for one, its in zip(assigned, groups, strict=True) if its == group} - {None}
        assert len(used) == 1
    for wanted, group, one in zip(given_splits, groups, assigned, strict=True):
        if one.split is None:
            assert wanted is not None
            assert groups[one.like] == group
            assert assigned[one.like].split not in (None, wanted)
        else:
            assert wanted in (None, one.split)


def test_each_straddling_copy_has_its_reason() -> None:
    given_splits = [C, D, S, C, S, C]
    assigned = assign_splits(given_splits, hashes(6), [0, 0, 0, 1, 1, 2], SHARES, 0)
    assert [(one.split, one.reason, one.like) for one in assigned] == [
        (None, "near-duplicate of a discovery picture", 1),
        (D, "", None),
        (None, "near-duplicate of a discovery picture", 1),
        (None, "near-duplicate of a selection picture", 4),
        (S, "", None),
        (C, "", None),
    ]


def test_a_third_class_picture_yields_to_a_held_out_source_picture() -> None:
    sha256s = hashes(40)
    drawn = split_by_hash(sha256s, range(40), SHARES, 0)
    assigned = assign_splits([None] * 40 + [D] * 40, sha256s + hashes(40, 40), [*range(40)] * 2, SHARES, 0)
    assert [one.split for one in assigned[:40]] == drawn
    for split, one in zip(drawn, assigned[40:], strict=True):
        expected = (D, "") if split == D else (None, "near-duplicate of a held-out picture")
        assert (one.split, one.reason) == expected


def test_the_limit_keeps_the_smallest_keyed_hashes_of_each_stratum() -> None:
    sha256s = hashes(30)
    strata = ["a"] * 20 + ["b"] * 10
    kept = keep_smallest(sha256s, strata, 12, 5)
    by_key = sorted(range(20), key=lambda i: hashlib.sha256(f"5/keep/{sha256s[i]}".encode()).hexdigest())
    assert {index for index in range(20) if kept[index]} == set(by_key[:12])
    assert all(kept[20:])


def test_the_smallest_hash_stands_for_a_held_out_group() -> None:
    sha256s = ["c", "a", "b", "e", "d", "f"]
    groups = [0, 1, 0, 2, 2, 0]
    assert stand_for(sha256s, groups, [C, S, C, S, S, C]) == [2, 1, 2, 4, 4, 2]
    assert stand_for(sha256s, groups, [D, S, D, S, S, D]) == [0, 1, 2, 4, 4, 5]
    # a picture that was left out stands for nobody
    assert stand_for(sha256s, groups, [C, S, None, S, S, C]) == [0, 1, 2, 4, 4, 0]
