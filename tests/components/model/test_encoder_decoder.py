import pytest
import torch

from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.schema.diagnostic import DataError
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.types import Frames, Tokens
from tests.components.building import batch, build, count, faults, loss_of, only, replaced

torch.set_num_threads(1)

ENCODER = {"type": "transformer", "dim": 8, "num_layers": 1, "num_heads": 2, "dropout": 0.0}
TINY = {"type": "encoder_decoder", "encoder": ENCODER, "decoder": {"type": "transformer", "num_layers": 1}}
VARIANTS = [
    {"norm": "post"},
    {"norm_type": "rms", "final_norm": False},
    {"positions": "rotary"},
    {"positions": "relative"},
    {"positions": "linear"},
    {"positions": "learned", "max_positions": 9},
    {"activation": "swiglu", "bias": False, "feed_forward_bias": False},
    {"per_dim_scale": True},
]
CONVOLVES = [{"feed_forward_kernel": 3}]


def tiny(**fields):
    return {**TINY, "encoder": {**ENCODER, **fields}, "decoder": {**TINY["decoder"], **fields}}


def criterion(gives):
    return CrossEntropy(CrossEntropyConfig(), gives)


@pytest.mark.parametrize("fields", [{}, *VARIANTS, *CONVOLVES])
def test_padding_changes_no_loss(fields):
    built = build(tiny(**fields))
    model, given = built.model.eval(), batch()
    with torch.no_grad():
        whole = loss_of(model, given, criterion(built.gives))
        apart = [loss_of(model, only(row, given), criterion(built.gives)).total for row in range(4)]

    torch.testing.assert_close(whole.total, torch.stack(apart).sum(), rtol=1e-5, atol=1e-5)
    assert whole.count == given.target_lengths.sum() + 4


@pytest.mark.parametrize("fields", [{}, *VARIANTS])
def test_cached_steps_equal_the_whole_at_once(fields):
    model = build(tiny(**fields)).model.eval()
    given = batch()
    with torch.no_grad():
        memory, lengths = model.encode(given)
        whole = model.decoder(given.target, memory, lengths)
        state = model.decoder.start(memory, lengths, examples=4)
        for at in range(given.target.shape[1]):
            hidden, state = model.decoder.step(given.target[:, at], state)
            torch.testing.assert_close(hidden, whole[:, at], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fields", [{}, *VARIANTS, *CONVOLVES])
def test_every_weight_gets_a_finite_gradient(fields):
    built = build(tiny(**fields))
    loss_of(built.model, batch(), criterion(built.gives)).total.backward()

    grads = {name: p.grad for name, p in built.model.named_parameters()}
    assert [name for name, grad in grads.items() if grad is None or not torch.isfinite(grad).all()] == []


def test_decoder_follows_its_encoder():
    decoder = build(TINY).model.decoder

    assert decoder.layers[0].self_attention.num_heads == 2
    assert decoder.layers[0].feed_forward.contract.weight.shape == (8, 32)


def test_ties_share_one_table_and_count_it_once():
    untied, tied = build(TINY).model, build({**TINY, "tie": "target"}).model
    same = {"source": Tokens(11), "target": Tokens(11)}
    everything = build({**TINY, "tie": "all"}, same).model

    assert tied.head.weight_VD is tied.decoder.embedding.weight_VD
    assert count(untied) - count(tied) == 11 * 8
    assert everything.embedding.weight_VD is everything.head.weight_VD
    assert len([n for n, _ in everything.named_parameters() if "weight_VD" in n]) == 1


def test_embeddings_begin_at_unit_size():
    model = build(
        {**TINY, "encoder": {**ENCODER, "dim": 64}}, {"source": Tokens(2000), "target": Tokens(11)}
    ).model

    assert model.embedding.weight_VD.std().item() == pytest.approx(64**-0.5, rel=0.02)
    assert model.embedding(torch.arange(2000)[None]).std().item() == pytest.approx(1.0, rel=0.02)


def test_frames_go_in_without_an_embedding():
    built = build(TINY, {"source": Frames(5, 100), "target": Tokens(11)})
    given = replaced(batch(), source=torch.randn(4, 7, 5))

    assert torch.isfinite(loss_of(built.model, given, criterion(built.gives)).total)


def test_score_is_the_forced_log_probability():
    built = build(TINY)
    model, given = built.model.eval(), batch()
    with torch.no_grad():
        total = loss_of(model, given, criterion(built.gives)).total

        torch.testing.assert_close(-model.score(given).sum(), total, rtol=1e-5, atol=1e-5)


def test_attention_sums_to_one_over_real_source_states():
    model, given = build(TINY).model.eval(), batch()
    with torch.no_grad():
        looked = model.attention(given)

    assert looked.shape == (4, given.target.shape[1] + 1, 7)
    torch.testing.assert_close(looked.sum(-1), torch.ones(looked.shape[:2]))
    assert looked[1, :, given.source_lengths[1] :].abs().max() == 0


def test_task_vectors_are_part_of_the_model():
    assert count(build({**TINY, "task_vectors": 5, "task": 3}).model) - count(build(TINY).model) == 40


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tie": "all"}, "one table cannot serve a source vocabulary of 20 and a target vocabulary of 11"),
        ({"task_vectors": 2, "task": 2}, "task 2 has no row"),
        ({"encoder": {**ENCODER, "num_heads": 3}}, "3 heads do not divide a width of 8"),
        (
            {"encoder": {**ENCODER, "positions": "learned"}},
            "learned positions need to know the longest input",
        ),
        ({"encoder": {**ENCODER, "max_positions": 4}}, "`max_positions` has no meaning"),
        ({"encoder": {**ENCODER, "dim": 6, "num_heads": 2, "positions": "rotary"}}, "pairs of features"),
        (
            {"decoder": {**TINY["decoder"], "embedding": {"type": "lookup", "dim": 4}}},
            "`dim` is 4 here, but 8 follows",
        ),
        (
            {"tie": "target", "head": {"type": "adaptive_softmax", "cutoffs": [6]}},
            "an adaptive softmax has no table",
        ),
        ({"tie": "target", "decoder": {"type": "recurrent", "dim": 8}}, "the softmax reads 16 features"),
    ],
)
def test_what_does_not_fit_is_said(changes, words):
    found = faults({**TINY, **changes})

    assert any(words in message for message in found), found


def test_an_embedding_of_another_width_is_projected():
    model = build({**TINY, "embedding": {"type": "lookup", "dim": 5}}).model

    assert model.encoder.project.weight.shape == (8, 5)


def test_too_long_an_input_for_learned_positions_is_said():
    model = build(tiny(positions="learned", max_positions=3)).model

    with pytest.raises(DataError, match="the model has learned 3"):
        model.encode(batch())
