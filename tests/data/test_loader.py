from __future__ import annotations

import math
import os

import pytest
import torch

from seqspec.data.batching.loader import Loader, MicroSteps, evaluation_of, training_loader, training_order
from seqspec.data.batching.order import micro_batches
from seqspec.data.stages.prepare import prepare
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Classes, Text, Unknown
from tests.data.fakes import make_parts, pairs, write_corpus

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loader")
    corpus = write_corpus(folder / "corpus", train=pairs(120), dev=pairs(20, start=500))
    return prepare(make_parts(corpus), cache=folder / "cache", processes=1)


def same(one, other):
    assert one.fields.keys() == other.fields.keys()
    tensors = [
        [x for field in batch.fields.values() for x in (*field, batch.index)] for batch in (one, other)
    ]
    for a, b in zip(*tensors, strict=True):
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
    assert (one.step, one.loss_normalizers) == (other.step, other.loss_normalizers)


def test_workers_change_nothing(prepared):
    train = prepared.splits["train"]
    alone = list(training_loader(prepared.parts, train, stop=30, num_micro_batches=2))
    helped = list(training_loader(prepared.parts, train, stop=30, num_micro_batches=2, workers=2))

    assert len(alone) == len(helped) == 60
    for one, other in zip(alone, helped, strict=True):
        same(one, other)


def test_resuming_at_every_batch_gives_the_same_rest(prepared):
    train = prepared.splits["train"]
    order = training_order(prepared.parts, train)
    whole = list(training_loader(prepared.parts, train, order=order, stop=order.start(2)))

    for start in range(order.start(2)):
        steps = MicroSteps(
            train, training_order(prepared.parts, train), start=start, stop=order.start(2), seed=7
        )
        same(steps[0], whole[start])
        assert len(steps) == len(whole) - start


@pytest.mark.parametrize("world", [1, 2, 4])
def test_ranks_share_the_slices_of_one_process(prepared, world):
    train = prepared.splits["train"]
    alone = list(training_loader(prepared.parts, train, stop=12, num_micro_batches=4))
    ranks = [
        list(training_loader(prepared.parts, train, stop=12, num_micro_batches=4, rank=rank, world=world))
        for rank in range(world)
    ]

    woven = [batch for together in zip(*ranks, strict=True) for batch in together]
    for one, other in zip(alone, woven, strict=True):
        same(one, other)


def test_slices_make_up_the_global_batch_and_its_mean(prepared):
    train = prepared.splits["train"]
    whole = MicroSteps(train, training_order(prepared.parts, train), stop=20)
    halves = MicroSteps(train, training_order(prepared.parts, train), stop=20, num_micro_batches=2)

    for number in range(20):
        parts = [halves[2 * number], halves[2 * number + 1]]
        own = [part for part in parts if math.isfinite(part.loss_normalizer)]
        together = torch.cat([part.index for part in own])
        assert sorted(together.tolist()) == sorted(whole[number].index.tolist())
        targets = int(whole[number].target_lengths.sum()) + len(whole[number].index)
        assert whole[number].loss_normalizer == targets
        assert {part.loss_normalizer for part in own} == {targets / 2}
        assert [part.step for part in parts] == [2 * number, 2 * number + 1]


def test_a_batch_of_fewer_examples_than_slices_repeats_one_without_weight(prepared):
    train = prepared.splits["train"]
    steps = MicroSteps(train, training_order(prepared.parts, train), stop=1, num_micro_batches=200)
    shares = [steps[item].loss_normalizer for item in range(200)]

    assert shares.count(math.inf) == 200 - len(MicroSteps(train, steps.order, stop=1)[0].index)
    assert all(len(steps[item].index) >= 1 for item in range(200))


def test_slices_weigh_alike():
    import numpy as np

    lengths = np.stack([np.arange(1, 41), np.arange(1, 41)], 1)
    weights = [
        lengths[micro_batches(np.arange(40), lengths=lengths, number=n, count=4)].sum() for n in range(4)
    ]

    assert max(weights) < 1.3 * min(weights)


def test_padding_is_zero_and_lengths_are_right(prepared):
    train = prepared.splits["train"]
    batch = next(iter(training_loader(prepared.parts, train, stop=1)))

    for row, index in enumerate(batch.index.tolist()):
        example = train.example(index)
        length = len(example.source)
        assert batch.source_lengths[row] == length
        assert batch.source[row, :length].tolist() == example.source.tolist()
        assert not batch.source[row, length:].any()
        assert prepared.parts.text["target"].decode(example.target) == example.texts["target"]


def test_evaluation_has_every_example_once(prepared):
    dev = prepared.splits["dev"]
    batches = list(Loader(evaluation_of(prepared.parts, dev), workers=0))
    halves = [
        list(Loader(evaluation_of(prepared.parts, dev, rank=rank, world=2), workers=0)) for rank in (0, 1)
    ]

    assert sorted(torch.cat([b.index for b in batches]).tolist()) == list(range(20))
    assert sorted(torch.cat([b.index for half in halves for b in half]).tolist()) == list(range(20))


def test_waiting_is_measured(prepared):
    loader = training_loader(prepared.parts, prepared.splits["train"], stop=5)
    list(loader)

    assert loader.waiting.batches == 5
    assert loader.waiting.seconds > 0


class Dying:
    def __len__(self):
        return 4

    def __getitem__(self, item):
        os._exit(9)


class Faulty(Dying):
    def __getitem__(self, item):
        raise DataError("a bad row", corpus="fake", file="x.txt", row=3)


def test_a_dead_worker_is_named():
    from seqspec.data.batching.loader import Loader

    with pytest.raises(DataError, match="a loader process died"):
        list(Loader(Dying(), workers=1))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_data_error_crosses_the_process_boundary_whole(workers):
    from seqspec.data.batching.loader import Loader

    with pytest.raises(DataError) as caught:
        list(Loader(Faulty(), workers=workers))

    assert (caught.value.corpus, caught.value.file, caught.value.row) == ("fake", "x.txt", 3)


def test_augmentation_depends_on_seed_epoch_and_example_alone(tmp_path):
    from dataclasses import replace

    from seqspec.data.batching.collate import collate

    corpus = write_corpus(tmp_path / "c", train=[{"source": "a b", "target": str(n % 3)} for n in range(6)])
    parts = make_parts(corpus, roles={"source": Text("en"), "target": Classes(Unknown("k"))})
    found = prepare(parts, cache=tmp_path / "k", processes=1)
    train = found.splits["train"]

    def noise(x, generator):
        return x + torch.randint(100, x.shape, generator=generator)

    def drawn(examples, epoch):
        import numpy as np

        return collate(
            train,
            np.array(examples),
            step=0,
            loss_normalizers={"loss": 1.0},
            augments={"source": [noise]},
            seed=3,
            epoch=epoch,
        ).source

    assert found.facts["k"] == 3
    assert torch.equal(drawn([0, 1], 0)[1], drawn([1], 0)[0])
    assert not torch.equal(drawn([0], 0), drawn([0], 1))
    assert replace(found.parts) == found.parts
