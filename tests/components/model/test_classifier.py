import pytest
import torch
from torch.nn import functional

from seqspec.components._layers.pooling import pooled_max, pooled_mean
from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.schema.config import Mismatch
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.loss.sampled_softmax import SampledSoftmaxConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import Classes, Counted, Frames, Image, Logits, Tokens, Unknown
from tests.components.building import batch, build, faults, infer, loss_of, only, replaced

torch.set_num_threads(1)

ENCODER = {"type": "transformer", "dim": 8, "num_layers": 1, "num_heads": 2, "dropout": 0.0}
TEXT = {"source": Tokens(20), "target": Classes(3)}
PICTURES = {"source": Image(1, 8, 8), "target": Classes(3)}
LENET = {"type": "lenet", "channels": [2], "kernel": 3, "dim": 6}


def classifier(**more):
    return build({"type": "classifier", "encoder": ENCODER, **more}, TEXT)


def labelled(rows=4):
    given = batch(rows=rows)
    return replaced(given, target=torch.arange(rows) % 3, target_lengths=None)


def alone(row, of):
    one = only(row, replaced(of, target=of.target[:, None], target_lengths=torch.ones(len(of.index)).long()))
    return replaced(one, target=one.target[:, 0], target_lengths=None)


def cross_entropy(built, **fields):
    return CrossEntropy(CrossEntropyConfig(**fields), built.gives)


@pytest.mark.parametrize("pooling", ["mean", "first", "max"])
def test_padding_does_not_leak(pooling):
    model = classifier(pooling=pooling).model.eval()
    given = labelled()
    longer = replaced(given, source=functional.pad(given.source, (0, 5), value=7))
    with torch.no_grad():
        together = model.encode(given)
        apart = torch.cat([model.encode(alone(row, given)) for row in range(4)])

        torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model.encode(longer), together, rtol=1e-4, atol=1e-5)


def test_pooling_is_what_it_says():
    states = torch.tensor(
        [[[1.0, -4.0], [3.0, -2.0], [90.0, 90.0]], [[5.0, 6.0], [90.0, 90.0], [90.0, 90.0]]]
    )

    assert pooled_mean(states, torch.tensor([2, 0])).tolist() == [[2.0, -3.0], [0.0, 0.0]]
    assert pooled_max(states, torch.tensor([2, 0])).tolist() == [[3.0, -2.0], [5.0, 6.0]]


def test_every_label_counts_and_the_loss_is_torchs():
    built = classifier()
    built.model.eval()
    given = labelled()
    logits = built.model.head(built.model.encode(given))
    expected = functional.cross_entropy(logits, given.target, reduction="sum", label_smoothing=0.1)

    loss = loss_of(built.model, given, cross_entropy(built, label_smoothing=0.1))

    assert 0 in given.target.tolist()
    assert loss.count == 4
    torch.testing.assert_close(loss.total, expected)
    torch.testing.assert_close(loss.terms["nll"], -built.model.score(given).sum())


def test_answers_rank_the_classes():
    model = classifier().model.eval()
    given = labelled()
    with torch.no_grad():
        log_probs = model.head(model.encode(given)).log_softmax(-1)

    found = model.decode(given)

    assert [len(row) for row in found] == [3, 3, 3, 3]
    assert [row[0].ids for row in found] == [(i,) for i in log_probs.argmax(1).tolist()]
    for row, expected in zip(found, log_probs.tolist(), strict=True):
        assert [h.score for h in row] == sorted((h.score for h in row), reverse=True)
        assert [h.log_prob for h in row] == pytest.approx([expected[h.ids[0]] for h in row])


def test_a_toy_task_is_learned():
    """The class is which of three ids the text holds; where it stands and what else is there varies."""
    built = classifier()
    generator = torch.Generator().manual_seed(0)
    source = torch.randint(10, 20, (48, 6), generator=generator)
    target = torch.arange(48) % 3
    source[torch.arange(48), torch.randint(0, 4, (48,), generator=generator)] = 4 + target
    lengths = torch.full((48,), 4)
    given = replaced(labelled(), source=source, source_lengths=lengths, target=target, index=torch.arange(48))
    optimizer = torch.optim.Adam(built.model.parameters(), lr=0.03)
    for _ in range(60):
        optimizer.zero_grad()
        loss_of(built.model, given, cross_entropy(built)).total.backward()
        optimizer.step()

    built.model.eval()
    assert [row[0].ids[0] for row in built.model.decode(given)] == target.tolist()


def test_every_weight_gets_a_finite_gradient():
    built = build({"type": "classifier", "encoder": LENET}, PICTURES)
    torch.manual_seed(0)
    given = replaced(labelled(), source=torch.randn(4, 1, 8, 8), source_lengths=None)
    loss_of(built.model, given, cross_entropy(built)).total.backward()

    grads = {name: p.grad for name, p in built.model.named_parameters()}
    assert [n for n, g in grads.items() if g is None or not g.isfinite().all() or not g.any()] == []


@pytest.mark.parametrize(
    ("encoder", "source", "pooling"),
    [(ENCODER, Tokens(20), "mean"), (ENCODER, Frames(8), "mean"), (LENET, Image(1, 8, 8), "none")],
)
def test_pooling_follows_from_the_encoder(encoder, source, pooling):
    filled, found, gives, _ = infer(
        {"type": "classifier", "encoder": encoder}, {"source": source, "target": Classes(3)}
    )

    assert found == []
    assert filled.model.pooling == pooling
    assert gives == Logits(3, stride=0)


def test_classes_may_be_unknown_until_data_are_prepared():
    _, found, gives, _ = infer(
        {"type": "classifier", "encoder": ENCODER},
        {"source": Tokens(20), "target": Classes(Unknown("data.target.classes"))},
    )

    assert found == []
    assert gives == Logits(Unknown("data.target.classes"), stride=0)


@pytest.mark.parametrize(
    ("more", "source", "words"),
    [
        ({}, {"source": Tokens(20), "target": Tokens(11)}, "learns labels"),
        ({}, {"target": Classes(3)}, "the corpus has no source"),
        ({}, {"source": Tokens(20)}, "the corpus has no target"),
        ({"pooling": "none"}, TEXT, "pooling `none` does not fit: the encoder gives a state a position"),
        (
            {"encoder": LENET, "pooling": "mean"},
            PICTURES,
            "pooling `mean` does not fit: the encoder gives one",
        ),
        ({"encoder": LENET}, TEXT, "`lenet` reads images"),
        ({"encoder": ENCODER}, PICTURES, "reads a sequence of vectors"),
        ({"head": {"type": "adaptive_softmax", "cutoffs": [2]}}, TEXT, "reads hidden states"),
        ({"type": "ctc"}, {"source": Frames(8), "target": Classes(3)}, "learns to write tokens"),
    ],
)
def test_what_does_not_fit_is_said(more, source, words):
    found = faults({"type": "classifier", "encoder": ENCODER, **more}, source)

    assert len(found) == 1
    assert words in found[0]


def test_nothing_searches_or_samples_classes():
    gives = Logits(3, stride=0)

    with pytest.raises(Mismatch, match="one token after another"):
        GreedyConfig().output(gives)
    with pytest.raises(Mismatch, match="over tokens"):
        SampledSoftmaxConfig().output(gives)


def test_examples_are_what_is_counted():
    given = classifier().gives

    assert CrossEntropyConfig().counts(given) == Counted("target", "examples")
