from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.data.batching.permutation import permute, permute_one


def whole(size: int, key: int) -> np.ndarray:
    return permute(np.arange(size), np.full(size, size), np.full(size, key, np.uint64))


@given(st.integers(1, 700), st.integers(0, 2**64 - 1))
@settings(max_examples=60, deadline=None)
def test_every_item_gets_a_place_of_its_own(size, key):
    assert sorted(whole(size, key).tolist()) == list(range(size))


def test_another_key_is_another_permutation():
    assert (whole(100, 1) != whole(100, 2)).any()


def test_one_item_goes_where_it_goes_among_all():
    together = whole(37, 5)

    assert [permute_one(item, size=37, key=5) for item in range(37)] == together.tolist()


def test_sizes_and_keys_may_differ_from_item_to_item():
    mixed = permute(np.array([3, 3]), np.array([10, 1000]), np.array([5, 9], np.uint64))

    assert mixed.tolist() == [permute_one(3, size=10, key=5), permute_one(3, size=1000, key=9)]


def test_places_are_spread_evenly():
    keys = np.repeat(np.arange(4000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15), 8)
    items = np.tile(np.arange(8), 4000)
    counts = np.zeros((8, 8))
    np.add.at(counts, (items, permute(items, np.full(32_000, 8), keys)), 1)

    chi_square = ((counts - 500) ** 2 / 500).sum()
    assert chi_square < 85  # 49 degrees of freedom, p = 0.001


def test_ten_million_cost_no_more_than_ten():
    found = permute(np.arange(1000), np.full(1000, 10_000_000), np.full(1000, 3, np.uint64))

    assert len(np.unique(found)) == 1000
    assert found.max() < 10_000_000
