from __future__ import annotations

import pickle
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.data.batching.loader import Loader, evaluation_of, training_loader
from seqspec.data.stages.first_look import first_look
from seqspec.data.stages.packing import PackedSplit
from seqspec.data.stages.prepare import prepare
from seqspec.schema.diagnostic import DataError
from seqspec.schema.sections.data import Pack
from seqspec.schema.types import BOS, EOS, PAD, Text
from tests.data.fakes import FakeTokenizerConfig, make_parts, pairs, write_corpus

torch.set_num_threads(1)


class Texts:
    """Texts of given lengths whose ids count up from 10."""

    def __init__(self, sizes, *, joined=False, name="train"):
        starts = np.cumsum([0, *sizes])
        self.ids = [np.arange(10 + a, 10 + b) for a, b in pairwise(starts)]
        self.sizes = np.array(sizes)
        self.name = name
        self.roles = {"target": Text("en")}

        class records:
            state = {"joined": joined}

        self.records = records

    def __len__(self):
        return len(self.ids)

    def value(self, role, index):
        return self.ids[index]

    def lengths_of(self, role):
        return self.sizes

    def stream(self):
        ends = [] if self.records.state["joined"] else [EOS]
        return [token for ids in self.ids for token in [*ids.tolist(), *ends]]


def packed(sizes, *, joined=False, name="train", **config):
    return PackedSplit(Texts(sizes, joined=joined, name=name), Pack.model_validate({"length": 7, **config}))


sizes_of = st.lists(st.integers(1, 20), min_size=1, max_size=12)


@given(sizes_of, st.integers(1, 30), st.booleans(), st.booleans())
@settings(max_examples=120, deadline=None)
def test_every_token_is_a_target_once(sizes, length, joined, mask):
    split = packed(sizes, joined=joined, length=length, document_mask=mask)
    rows = [split.row(index) for index in range(len(split))]

    assert [int(t) for row in rows for t in row.labels] == split.texts.stream()
    assert [len(row.labels) for row in rows] == split.lengths[:, 1].tolist()


@given(sizes_of, st.integers(2, 12), st.data())
@settings(max_examples=80, deadline=None)
def test_overlapping_rows_count_each_token_once_outside_training(sizes, length, data):
    stride = data.draw(st.integers(1, length))
    split = packed(sizes, name="dev", length=length, stride=stride, document_mask=False)
    rows = [split.row(index) for index in range(len(split))]
    counted = [int(t) for row in rows for t in row.labels if t != PAD]

    assert counted == split.texts.stream()
    assert [int((row.labels != PAD).sum()) for row in rows] == split.lengths[:, 1].tolist()


def test_inputs_are_the_labels_before():
    split = packed([3, 10], document_mask=False)

    assert split.row(0).inputs.tolist() == [BOS, 10, 11, 12, EOS, 13, 14]
    assert split.row(0).labels.tolist() == [10, 11, 12, EOS, 13, 14, 15]
    assert split.row(1).inputs[0] == 15
    assert split.row(0).segments is None


def test_documents_begin_anew_behind_a_mask():
    split = packed([3, 10])
    row, rest = split.row(0), split.row(1)

    assert row.inputs.tolist() == [BOS, 10, 11, 12, BOS, 13, 14]
    assert row.segments.tolist() == [1, 1, 1, 1, 2, 2, 2]
    assert rest.inputs[0] == 15
    assert set(rest.segments.tolist()) == {1}


def test_one_text_in_blocks_has_no_ends_inside():
    split = packed([4, 4, 4], joined=True, document_mask=False)

    assert split.row(0).labels.tolist() == list(range(10, 17))
    assert EOS not in split.row(1).labels


@given(sizes_of, st.integers(1, 12), st.data())
@settings(max_examples=80, deadline=None)
def test_whole_rows_are_the_stream_without_its_remainder(sizes, length, data):
    stride = data.draw(st.sampled_from([None, *range(1, length + 1)]))
    sizes = [length, *sizes]
    split = packed(sizes, length=length, stride=stride, remainder="drop", document_mask=False)
    rows = [split.row(index) for index in range(len(split))]
    stream, step = split.texts.stream(), stride or length
    blocks = [stream[at : at + length] for at in range(0, len(stream), step)]

    assert [row.labels.tolist() for row in rows] == [block for block in blocks if len(block) == length]
    assert (split.lengths == length).all()
    assert split.num_left_out == len(stream) - (len(rows) - 1) * step - length


def test_other_splits_keep_the_remainder():
    split = packed([9], name="dev", remainder="drop")

    assert [len(split.row(index).labels) for index in range(len(split))] == [7, 3]
    assert split.num_left_out == 0


def test_a_stream_that_fills_no_row_is_refused():
    with pytest.raises(DataError, match=r"train holds 6 tokens, and `data\.pack` makes rows of 7"):
        packed([5], remainder="drop")


def test_whole_rows_are_the_same_whatever_resumes_or_shares_them(tmp_path):
    rows = [{"target": row["target"]} for row in pairs(60)]
    corpus = write_corpus(tmp_path / "c", train=rows)
    parts = make_parts(
        corpus,
        roles={"target": Text("en")},
        text={"target": {"tokenizer": FakeTokenizerConfig()}},
        pack={"length": 8, "document_mask": False, "remainder": "drop"},
        batch={"unit": "tokens", "size": 32},
    )
    found = prepare(parts, cache=tmp_path / "k", processes=1)
    split = found.splits["train"]
    loader = partial(training_loader, found.parts, split)
    epoch = -(-len(split) // 4)
    whole = [batch.target for batch in loader(stop=2 * epoch)]
    resumed = [batch.target for batch in loader(start=3, stop=2 * epoch)]
    shared = [list(loader(stop=2 * epoch, num_micro_batches=2, rank=rank, world=2)) for rank in range(2)]
    told = list(first_look(found))

    assert all(map(torch.equal, whole[3:], resumed))
    for number, (left, right) in enumerate(zip(*shared, strict=True)):
        real = [batch.target for batch in (left, right) if batch.loss_normalizer < 1e6]
        assert torch.equal(torch.cat(real), whole[number])
    for batches in (whole[:epoch], whole[epoch:]):
        learned = sorted(torch.cat(batches).tolist())
        assert learned == sorted(split.row(row).labels.tolist() for row in range(len(split)))
    assert split.num_left_out == split.num_tokens - 8 * len(split) > 0
    assert told == [
        f"train: the last {split.num_left_out} of {split.num_tokens} tokens fill no row of 8 and are left "
        "out of every epoch (`data.pack.remainder: drop`)"
    ]


def test_offsets_are_drawn_anew_each_epoch_and_are_reproducible():
    split = packed([500], sample="offsets", document_mask=False)
    first = [int(split.row(n, seed=1, epoch=0).labels[0]) for n in range(50)]

    assert first == [int(split.row(n, seed=1, epoch=0).labels[0]) for n in range(50)]
    assert first != [int(split.row(n, seed=1, epoch=1).labels[0]) for n in range(50)]
    assert len(set(first)) > 40
    assert all(len(split.row(n, seed=1, epoch=0).labels) == 7 for n in range(50))


def test_rows_reach_the_model_as_inputs_and_labels(tmp_path):
    rows = [{"target": row["target"]} for row in pairs(40)]
    corpus = write_corpus(tmp_path / "c", train=rows, dev=rows[:9])
    parts = make_parts(
        corpus,
        roles={"target": Text("en")},
        text={"target": {"tokenizer": FakeTokenizerConfig()}},
        pack={"length": 16},
        batch={"unit": "tokens", "size": 64},
    )
    found = prepare(parts, cache=tmp_path / "k", processes=1)
    batch = next(iter(training_loader(found.parts, found.splits["train"], stop=1)))
    evaluated = list(Loader(evaluation_of(found.parts, found.splits["dev"]), workers=0))

    assert batch.source.shape == batch.target.shape == batch.segments.shape == (4, 16)
    assert torch.equal(
        batch.source[:, 1:][batch.source[:, 1:] != BOS], batch.target[:, :-1][batch.source[:, 1:] != BOS]
    )
    assert batch.loss_normalizer == int((batch.target != PAD).sum())
    assert sum(int((b.target != PAD).sum()) for b in evaluated) == sum(
        len(r["target"].split()) + 1 for r in rows[:9]
    )
    train = found.splits["train"]
    whole = "".join(train.text("target", row) for row in range(len(train)))
    assert whole == "".join(r["target"] for r in rows)
    assert len(pickle.loads(pickle.dumps(found.splits["train"]))) == len(found.splits["train"])


def test_pairs_cannot_be_packed(tmp_path):
    corpus = write_corpus(tmp_path / "c", train=pairs(3))

    with pytest.raises(DataError, match=r"`data\.pack` joins the texts of a language model"):
        prepare(make_parts(corpus, pack={"length": 8}), cache=tmp_path / "k", processes=1)
