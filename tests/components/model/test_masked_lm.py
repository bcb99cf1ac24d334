"""Filling in what was hidden."""

import pytest
import torch

from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.data.batching.batch import Batch
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import Logits, Tokens
from tests.components.building import build, faults, loss_of

ENCODER = {"type": "transformer", "num_layers": 1, "dim": 16, "num_heads": 2, "dropout": 0.0}
BERT = {"type": "bert", "num_layers": 1, "dim": 16, "num_heads": 2, "max_positions": 40, "dropout": 0.0}
TEXT = {"target": Tokens(30)}


def made(**more):
    return build({"type": "masked_lm", "encoder": ENCODER, **more}, TEXT).model


def batch(rows=64, size=20):
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(4, 30, (rows, size), generator=generator)
    lengths = torch.full((rows,), size)
    lengths[0], ids[0, 5:], ids[1, 0] = 5, 0, 2
    return Batch.pair(None, None, ids, lengths, torch.arange(rows), 0, 1.0)


def test_the_asked_share_is_hidden_exchanged_and_shown():
    model = made(rate=0.3, shown=0.25, exchanged=0.25)
    torch.manual_seed(1)
    ids = batch(rows=400).target

    read, labels = model.hide(ids, torch.arange(len(ids)))

    chosen = labels > 0
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(read[~chosen], ids[~chosen])
    assert chosen[2:].sum(1).tolist() == [6] * 398  # 0.3 of 20
    assert int(chosen[0].sum()) == 2  # of the five that are real
    assert not chosen[1, 0]
    share = float((read[chosen] == 1).float().mean())
    same = float((read[chosen] == ids[chosen]).float().mean())
    assert share == pytest.approx(0.5, abs=0.03)
    assert same == pytest.approx(0.25 + 0.25 / 26, abs=0.03)


def test_a_pattern_is_learned_with_one_table():
    """Each text counts upwards: a hidden token follows from its neighbours."""
    model = build({"type": "masked_lm", "encoder": BERT, "tie": "target"}, TEXT).model
    criterion = CrossEntropy(Catalogue().config("loss", "cross_entropy")(), Logits(30))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    torch.manual_seed(2)
    assert model.head.weight_VD is model.encoder.embedding.weight_VD
    seen = []
    for _ in range(40):
        starts = torch.randint(0, 20, (32, 1))
        ids = 4 + (starts + torch.arange(8)) % 26
        one = Batch.pair(None, None, ids, torch.full((32,), 8), torch.arange(32), 0, 1.0)
        loss = loss_of(model, one, criterion)
        optimizer.zero_grad()
        (loss.total / loss.count).backward()
        optimizer.step()
        seen.append(float(loss.total.detach() / loss.count))

    assert sum(seen[-5:]) < 0.7 * sum(seen[:5])


def test_only_what_is_unknown_is_filled_in():
    text = torch.tensor([[4, 5, 1, 7, 0], [1, 9, 8, 7, 6]])
    one = Batch.pair(None, None, text, torch.tensor([4, 5]), torch.arange(2), 0, 1.0)

    (first, *_), (second, *_) = made(tie="target").eval().decode(one)

    assert (first.ids[:2], first.ids[3:], second.ids[1:]) == ((4, 5), (7,), (9, 8, 7, 6))
    assert min(first.ids[2], second.ids[0]) > 3


def test_a_score_hides_each_token_alone():
    model = made().eval()
    one = batch(rows=3, size=4)
    with torch.no_grad():
        scores = model.score(one)
        total = 0.0
        for place in range(4):
            ids = one.target[2:].clone()
            ids[:, place] = 1
            states = model._read(ids, one.target_lengths[2:])
            total += model.head(states[:, place]).log_softmax(-1)[0, one.target[2, place]]

    assert scores[2] == pytest.approx(float(total), abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "source", "said"),
    [
        ({"shown": 0.7, "exchanged": 0.7}, TEXT, "more than all"),
        ({}, {"source": Tokens(9), "target": Tokens(9)}, "a source and a target"),
        ({"embedding": {"type": "lookup", "dim": 8}, "tie": "target"}, TEXT, "the embedding has 8"),
    ],
)
def test_what_does_not_fit_is_told(changes, source, said):
    found = faults({"type": "masked_lm", "encoder": ENCODER, **changes}, source)

    assert any(said in one for one in found)
