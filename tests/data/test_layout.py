from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.data.batching.layout import costs, make_layout, sorted_layout
from seqspec.data.batching.length_cells import quantized
from seqspec.data.batching.order import Order
from seqspec.schema.sections.data import Batch


def batch(**fields):
    return Batch.model_validate({"unit": "tokens", "size": 100.0, **fields})


lengths_of = st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), min_size=1, max_size=120).map(
    lambda rows: np.array(rows, np.int32)
)


@given(
    lengths_of,
    st.sampled_from(["examples", "tokens", "frames"]),
    st.integers(1, 300),
    st.sampled_from(["auto", "none", [10, 40, 90]]),
    st.booleans(),
    st.integers(0, 5),
)
@settings(max_examples=150, deadline=None)
def test_every_epoch_has_every_example_once(lengths, unit, size, buckets, shuffle, seed):
    config = batch(unit=unit, size=float(size), buckets=buckets, shuffle=shuffle)
    order = Order(make_layout(lengths, config), seed=seed, shuffle=shuffle)

    for epoch in range(3):
        numbers = range(order.start(epoch), order.start(epoch + 1))
        planned = [order.batch(number) for number in numbers]
        assert {one.epoch for one in planned} == {epoch}
        assert sorted(np.concatenate([one.examples for one in planned]).tolist()) == list(range(len(lengths)))


@given(lengths_of, st.integers(1, 400))
@settings(max_examples=80, deadline=None)
def test_no_batch_is_larger_than_its_budget(lengths, size):
    config = batch(size=float(size))
    order = Order(make_layout(lengths, config), seed=1)
    cost = costs(lengths, config=config, frames_per_second=None)

    for number in range(order.batches(0)):
        examples = order.batch(number).examples
        assert len(examples) == 1 or len(examples) * cost[examples].max() <= size


def test_at_most_three_per_cent_is_padding():
    rng = np.random.default_rng(3)
    target = rng.integers(3, 40, 20_000)
    lengths = np.stack([np.maximum(1, target + rng.integers(-4, 5, 20_000)), target], 1).astype(np.int32)
    order = Order(make_layout(lengths, batch(size=4096.0)), seed=1)

    cells = real = 0
    for number in range(order.batches(0)):
        held = lengths[order.batch(number).examples]
        cells += held.max(axis=0).sum() * len(held)
        real += held.sum()
    assert 1 - real / cells <= 0.03


def test_long_frames_are_shuffled_within_their_cell():
    lengths = np.stack([np.arange(300, 700), np.full(400, 10)], 1).astype(np.int32)
    order = Order(make_layout(lengths, batch(unit="frames", size=8000.0)), seed=1)

    first = {frozenset(order.batch(g).examples.tolist()) for g in range(order.start(0), order.start(1))}
    second = {frozenset(order.batch(g).examples.tolist()) for g in range(order.start(1), order.start(2))}
    assert first != second


def test_buckets_never_mix_and_take_the_sizes_of_the_spec():
    rng = np.random.default_rng(0)
    lengths = np.stack([rng.integers(1, 31, 500), np.ones(500, int)], 1).astype(np.int32)
    config = batch(unit="examples", buckets=[10, 20, 30], sizes=[16, 8, 4], size=16.0)
    order = Order(make_layout(lengths, config), seed=1)

    for number in range(order.batches(0)):
        buckets = np.searchsorted([10, 20, 30], lengths[order.batch(number).examples, 0])
        assert len(set(buckets.tolist())) == 1
        assert len(buckets) <= [16, 8, 4][buckets[0]]


def test_corpus_order_stands_without_shuffle():
    lengths = np.full((10, 2), 5, np.int32)
    order = Order(
        make_layout(lengths, batch(unit="examples", size=4.0, shuffle=False)), seed=1, shuffle=False
    )

    assert np.concatenate([order.batch(g).examples for g in range(3)]).tolist() == list(range(10))


def test_evaluation_is_sorted_and_whole():
    lengths = np.array([[5, 9], [30, 2], [7, 7], [1, 1]], np.int32)
    layout = sorted_layout(lengths, batch(size=30.0))

    assert sorted(layout.examples.tolist()) == [0, 1, 2, 3]
    assert lengths[layout.examples, 0].tolist() == [1, 5, 7, 30]


def test_lengths_are_exact_while_they_are_short():
    found = quantized(np.arange(51), 0.02)

    assert len(set(found.tolist())) == 51
    assert len(set(quantized(np.array([1000, 1010]), 0.02).tolist())) == 1


def test_seconds_need_frames():
    lengths = np.array([[100, 3], [200, 3]], np.int32)
    layout = make_layout(lengths, batch(unit="seconds", size=2.0), frames_per_second=100.0)

    assert {len(cut) - 1 for cut in layout.cuts} == {2}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_tiny_corpus_has_batches(count):
    lengths = np.full((count, 2), 3, np.int32)

    assert Order(make_layout(lengths, batch()), seed=0).batch(10**9).examples.size == count


def test_blocks_of_rows_decide_no_layout(monkeypatch):
    rng = np.random.default_rng(3)
    lengths = rng.integers(1, 400, (1000, 2))
    whole = make_layout(lengths, batch(size=4096.0))
    monkeypatch.setattr("seqspec.data.store.store.AT_ONCE", 64)
    found = make_layout(lengths, batch(size=4096.0), out=np.zeros(1000, np.int32))

    assert np.array_equal(found.examples, whole.examples)
    assert np.array_equal(found.cells, whole.cells)
    assert all(np.array_equal(a, b) for a, b in zip(found.cuts, whole.cuts, strict=True))
