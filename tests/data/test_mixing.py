from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from seqspec.data.batching.layout import make_layout
from seqspec.data.batching.mixing import Mixture, factors, mixture_of, slots_for
from seqspec.data.batching.order import Order
from seqspec.schema.sections.data import Batch

CONFIG = Batch.model_validate({"unit": "tokens", "size": 200.0})


def lengths_of(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(1, 30, (count, 2)).astype(np.int32)


def order_of(sizes, shares, *, homogeneous=False, seed=1):
    corpus = np.repeat(np.arange(len(sizes)), sizes)
    mixture = Mixture(corpus, np.array(shares, np.float64), homogeneous)
    return Order(make_layout(lengths_of(len(corpus)), CONFIG, mixture=mixture), seed=seed), corpus


def epoch_of(order, epoch):
    return [order.batch(number).examples for number in range(order.start(epoch), order.start(epoch + 1))]


@pytest.mark.parametrize("homogeneous", [False, True])
def test_corpora_are_drawn_as_often_as_their_factors_say(homogeneous):
    order, corpus = order_of([300, 60], [1.0, 4.0], homogeneous=homogeneous)
    drawn = np.concatenate(epoch_of(order, 0))
    counts = np.bincount(corpus[drawn])

    assert counts[0] == 300
    assert counts[1] == pytest.approx(240, abs=20)
    assert len(np.unique(drawn)) == 360


def test_every_example_is_drawn_equally_often_in_the_long_run():
    order, _ = order_of([50, 20], [1.0, 2.5])
    counts = Counter(int(i) for epoch in range(40) for batch in epoch_of(order, epoch) for i in batch)
    small = [counts[i] for i in range(50, 70)]

    assert all(counts[i] == 40 for i in range(50))
    assert min(small) >= 0.75 * np.mean(small)
    assert np.mean(small) == pytest.approx(100, rel=0.25)


def test_homogeneous_batches_hold_one_corpus():
    order, corpus = order_of([120, 80], [1.0, 1.0], homogeneous=True)

    for batch in epoch_of(order, 0):
        assert len(set(corpus[batch].tolist())) == 1
    assert len({int(corpus[batch[0]]) for batch in epoch_of(order, 0)}) == 2


def test_mixed_batches_hold_both():
    order, corpus = order_of([120, 80], [1.0, 2.0])

    assert any(len(set(corpus[batch].tolist())) == 2 for batch in epoch_of(order, 0))


def test_who_fills_a_slot_is_a_pure_function():
    one, _ = order_of([40, 30], [1.0, 3.0])
    two, _ = order_of([40, 30], [1.0, 3.0])

    for number in (5, 0, 77):
        assert one.batch(number).examples.tolist() == two.batch(number).examples.tolist()


def part(name, weight=None):
    return SimpleNamespace(name=name, weight=weight)


def test_weights_and_temperature():
    counts = np.array([1000, 10])
    even = SimpleNamespace(parts=[part("a", 1.0), part("b", 1.0)], temperature=None)
    joined = SimpleNamespace(parts=[part("a"), part("b")], temperature=1.0)
    warm = SimpleNamespace(parts=[part("a"), part("b")], temperature=2.0)

    assert factors(counts, even).tolist() == [1.0, 100.0]
    assert factors(counts, joined).tolist() == [1.0, 1.0]
    assert factors(counts, warm).tolist() == pytest.approx([1.0, 10.0])


def test_no_group_has_fewer_slots_than_members():
    assert slots_for(np.array([1, 1, 1, 1]), 1.5).sum() == 6
    assert (slots_for(np.array([3, 1, 5]), 1.0) == [3, 1, 5]).all()


def test_a_mixture_without_weights_is_no_mixture():
    split = SimpleNamespace(records={"corpus"})
    source = SimpleNamespace(
        component=("adapter", "mix"), parts=[part("a"), part("b")], temperature=None, batches="mixed"
    )

    assert mixture_of(split, source) is None
    assert mixture_of(split, SimpleNamespace(component=("adapter", "bitext"))) is None
