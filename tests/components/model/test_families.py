"""What every encoder and decoder of text promises, and the sizes of the models of the literature."""

import pytest
import torch

from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.components.search.beam import Beam
from seqspec.components.search.greedy import Greedy
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import Frames, Tokens
from tests.components.building import batch, build, count, faults, loss_of, only, replaced

torch.set_num_threads(1)

UNIVERSAL = {"type": "universal_transformer", "num_layers": 2, "num_heads": 2, "dropout": 0.0}
ADAPTIVE = {**UNIVERSAL, "num_layers": 3, "halting": "adaptive", "halting_bias": -0.5}
SLICES = {
    "type": "slicenet",
    "num_layers": 2,
    "kernels": [3, 5, 3],
    "dilations": [1, 1, 2],
    "groups": [2, 1, 4],
    "dropout": 0.0,
}
FAMILIES = {
    "lstm": ({"type": "recurrent", "dim": 8}, {"type": "recurrent", "dim": 8}),
    "gru": (
        {"type": "recurrent", "cell": "gru", "dim": 8, "residual_from": 2, "bidirectional": False},
        {"type": "recurrent", "cell": "gru", "dim": 8, "attention": {"type": "dot_product", "num_heads": 2}},
    ),
    "rnmt": (
        {
            "type": "recurrent",
            "cell": "layer_norm_lstm",
            "dim": 8,
            "num_layers": 3,
            "project": 8,
            "residual_from": 3,
        },
        {
            "type": "recurrent",
            "cell": "layer_norm_lstm",
            "dim": 8,
            "num_layers": 3,
            "residual_from": 3,
            "attention": {"type": "additive", "num_heads": 2},
        },
    ),
    "lstmp": (
        {"type": "recurrent", "dim": 8, "projected_dim": 4},
        {"type": "recurrent", "dim": 8, "projected_dim": 4, "init_range": 0.1},
    ),
    "bytenet": (
        {"type": "bytenet", "dim": 8, "num_blocks": 2, "dilations": [1, 2], "dropout": 0.0},
        {"type": "bytenet", "num_blocks": 2, "dilations": [1, 2], "dropout": 0.0},
    ),
    "slicenet": ({**SLICES, "dim": 8}, {**SLICES, "num_heads": 2, "attention_dropout": 0.0}),
    "universal": ({**UNIVERSAL, "dim": 8}, UNIVERSAL),
    "adaptive": ({**ADAPTIVE, "dim": 8}, ADAPTIVE),
    "convolved": (
        {"type": "transformer", "dim": 8, "num_layers": 1, "feed_forward_kernel": 3, "dropout": 0.0},
        {"type": "transformer", "num_layers": 2, "feed_forward_kernel": 3, "dropout": 0.0},
    ),
}
every_family = pytest.mark.parametrize("name", FAMILIES)


def family(name, *, source=None):
    encoder, decoder = FAMILIES[name]
    return build({"type": "encoder_decoder", "encoder": encoder, "decoder": decoder}, source, seed=3)


def cross_entropy(built):
    return CrossEntropy(CrossEntropyConfig(), built.gives)


@every_family
def test_padding_changes_no_loss(name):
    built = family(name)
    built.model.eval()
    whole = [built.model.score(batch())[row] for row in range(4)]
    apart = [built.model.score(only(row, batch()))[0] for row in range(4)]

    torch.testing.assert_close(torch.stack(whole), torch.stack(apart), rtol=1e-4, atol=1e-5)


@every_family
def test_cached_steps_equal_the_whole_at_once(name):
    model, given = family(name).model.eval(), batch()
    with torch.no_grad():
        memory, lengths = model.encode(given)
        whole = model.decoder(given.target, memory, lengths)
        state = model.decoder.start(memory, lengths, examples=4)
        for at in range(given.target.shape[1]):
            hidden, state = model.decoder.step(given.target[:, at], state)
            torch.testing.assert_close(hidden, whole[:, at], rtol=1e-4, atol=1e-5)


@every_family
def test_every_weight_gets_a_finite_gradient(name):
    built = family(name)
    loss_of(built.model, batch(), cross_entropy(built)).total.backward()

    grads = {n: p.grad for n, p in built.model.named_parameters()}
    assert [n for n, grad in grads.items() if grad is None or not torch.isfinite(grad).all()] == []


@every_family
def test_beam_searches_alike_alone_and_together(name):
    built = family(name)
    model = built.model.eval()
    search = Beam(BeamConfig(size=3, max_tokens=5, stop="after_n_finished"), built.gives)
    together = model.decode(batch(), search)
    apart = [model.decode(only(row, batch()), search)[0] for row in range(4)]

    assert [[h.ids for h in found] for found in together] == [[h.ids for h in found] for found in apart]
    one = Beam(BeamConfig(size=1, max_tokens=5), built.gives)
    greedy = Greedy(GreedyConfig(max_tokens=5), built.gives)
    assert [h[0].ids for h in model.decode(batch(), one)] == [h[0].ids for h in model.decode(batch(), greedy)]


@every_family
def test_the_seed_decides_every_weight(name):
    first, second = family(name).model.state_dict(), family(name).model.state_dict()

    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnmt", "convolved", "slicenet", "universal"])
def test_attention_can_be_looked_at(name):
    looked = family(name).model.eval().attention(batch())

    torch.testing.assert_close(looked.sum(-1), torch.ones(looked.shape[:2]))


def test_a_decoder_without_attention_shows_none():
    assert family("bytenet").model.eval().attention(batch()) is None


def test_a_front_end_of_convolutions_shortens_frames():
    encoder, decoder = FAMILIES["convolved"]
    front = {"type": "convolution", "filters": 4}
    data = {
        "type": "encoder_decoder",
        "embedding": front,
        "encoder": encoder,
        "decoder": decoder,
        "task_vectors": 2,
    }
    built = build(data, {"source": Frames(24, 100, channels=3), "target": Tokens(11)})
    frames = torch.randn(2, 9, 24)
    given = replaced(batch(rows=2), source=frames, source_lengths=torch.tensor([9, 6]))
    built.model.eval()
    with torch.no_grad():
        states, lengths = built.model.encode(given)
        alone, _ = built.model.encode(
            replaced(given, source=frames[1:, :6], source_lengths=torch.tensor([6]))
        )

    assert lengths.tolist() == [3, 2]
    assert states.shape == (2, 3, 8)
    torch.testing.assert_close(states[1:, :2], alone, rtol=1e-4, atol=1e-5)


def test_adaptive_halting_costs_what_it_thinks():
    with torch.no_grad():
        outputs = family("adaptive").model.outputs(batch())

    assert list(outputs) == ["tokens", "encoder.halting", "decoder.halting"]
    for name in ("encoder.halting", "decoder.halting"):
        total, count = outputs[name]
        assert count == (outputs["tokens"].labels != 0).sum()
        assert 1 < total / count <= 4


def test_halting_probabilities_spend_exactly_one():
    from seqspec.components._layers.halting import Halting

    torch.manual_seed(0)
    halting = Halting(4, bias=-1.0, threshold=0.9)
    thought = halting.begin(torch.zeros(50, 4))
    for number in range(6):
        thought = halting.weigh(torch.randn(50, 4) * 3, torch.ones(50, 4), thought, last=number == 5)

    torch.testing.assert_close(thought.total, torch.ones(50))
    torch.testing.assert_close(thought.given, torch.ones(50, 4))
    assert len(thought.cost.long().unique()) > 2


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        ({"type": "recurrent", "cell": "gru", "projected_dim": 4}, "a GRU has no projection"),
        ({"type": "recurrent", "num_layers": 2, "residual_from": 3}, "residuals begin at layer 3"),
        ({"type": "bytenet", "kernel": 4}, "has no middle"),
        ({**SLICES, "dim": 8, "kernels": [3, 4, 3]}, "has no middle"),
        ({**SLICES, "dim": 8, "groups": [2, 1, 2, 1]}, "4 groups do not fit 3 kernels"),
        ({**SLICES, "dim": 10}, "4 groups do not divide a width of 10"),
        ({"type": "universal_transformer", "halting_bias": 1.0}, "no meaning where no position halts"),
        ({"type": "universal_transformer", "positions": "relative"}, "cannot add positions `relative`"),
    ],
)
def test_what_does_not_fit_is_said(encoder, words):
    found = faults(
        {"type": "encoder_decoder", "encoder": encoder, "decoder": {"type": "recurrent", "dim": 8}}
    )

    assert any(words in message for message in found), found


@pytest.mark.parametrize("name", ["lstm", "bytenet", "slicenet", "adaptive"])
def test_decoders_stand_alone_as_language_models(name):
    decoder = {**FAMILIES[name][1], "dim": 8}
    built = build({"type": "language_model", "decoder": decoder, "tie": "target"}, {"target": Tokens(11)})
    given = replaced(batch(), source=None, source_lengths=None)
    loss = loss_of(built.model, given, cross_entropy(built))
    loss.total.backward()

    assert count(built.model) > 0
    assert torch.isfinite(loss.total)
