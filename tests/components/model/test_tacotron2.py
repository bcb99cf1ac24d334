"""Tacotron 2."""

import pytest
import torch

from seqspec.components._layers.location_attention import guide
from seqspec.components._layers.masked_batch_norm import MaskedBatchNorm
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.types import Frames, Tokens
from tests.components.building import build, count, faults

TYPES = {"source": Tokens(20), "target": Frames(6, rate=50)}
MODEL = {
    "type": "tacotron2", "dim": 8, "prenet_dim": 6, "attention_rnn_dim": 10, "decoder_rnn_dim": 9,
    "attention_dim": 5, "location_filters": 3, "location_kernel": 5, "postnet_dim": 7, "max_frames": 12,
    "dropout": 0.0, "prenet_dropout": 0.0, "rnn_dropout": 0.0,
}  # fmt: skip
SMALL = {
    "type": "tacotron2", "dim": 128, "prenet_dim": 64, "attention_rnn_dim": 256, "decoder_rnn_dim": 256,
    "attention_dim": 64, "location_filters": 16, "location_kernel": 15, "postnet_dim": 128,
}  # fmt: skip


def batch():
    torch.manual_seed(3)
    target = torch.randn(2, 6, 6)
    target[1, 4:] = 0
    fields = {
        "source": Field(torch.tensor([[5, 6, 7, 8], [9, 10, 0, 0]]), torch.tensor([4, 2])),
        "target": Field(target, torch.tensor([6, 4])),
    }
    return Batch(fields, torch.tensor([0, 1]), 0, {"loss": 1.0})


def alone(of, row):
    fields = {
        name: Field(f.values[row : row + 1, : f.lengths[row]], f.lengths[row : row + 1])
        for name, f in of.fields.items()
    }
    return of._replace(fields=fields, index=of.index[row : row + 1])


def test_padding_changes_nothing():
    model = build(MODEL, TYPES).model.eval()

    together, one = model.outputs(batch()), model.outputs(alone(batch(), 1))

    for name in ("frames", "coarse"):
        torch.testing.assert_close(
            together[name].predicted[1, :4], one[name].predicted[0], atol=1e-5, rtol=1e-4
        )
        assert (together[name].predicted[1, 4:] == 0).all()
    first = model.outputs(alone(batch(), 0))
    for name in ("stop", "guided_attention"):
        parts = first[name].total + one[name].total
        torch.testing.assert_close(together[name].total, parts, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_a_batch_is_spoken_as_its_examples_one_by_one(rate):
    model = build({**MODEL, "prenet_dropout": rate}, TYPES).model.eval()

    together = model.decode(batch(), None)

    for row in range(2):
        one = model.decode(alone(batch(), row), None)[0][0].frames_TD
        assert one.shape == together[row][0].frames_TD.shape
        assert abs(one - together[row][0].frames_TD).max() < 1e-5


def test_an_answer_ends_with_the_frame_that_stops():
    model = build(MODEL, TYPES).model.eval()
    torch.nn.init.zeros_(model.decoder.stop.weight)

    torch.nn.init.constant_(model.decoder.stop.bias, 3.0)
    assert [len(one[0].frames_TD) for one in model.decode(batch(), None)] == [1, 1]
    torch.nn.init.constant_(model.decoder.stop.bias, -3.0)
    assert [len(one[0].frames_TD) for one in model.decode(batch(), None)] == [12, 12]


def test_every_weight_learns():
    model = build(MODEL, TYPES).model.train()

    outputs = model.outputs(batch())
    sum(output.scores.square().sum() for output in outputs.values()).backward()

    assert list(outputs) == ["coarse", "frames", "stop", "guided_attention"]
    lacking = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # What normalisation takes off again has no gradient but rounding.
    assert [name for name in lacking if not name.endswith("convolution.bias")] == []


def test_attention_is_a_distribution_over_real_tokens():
    weights = build(MODEL, TYPES).model.eval().attention(batch())

    assert weights.shape == (2, 6, 4)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 6))
    assert (weights[1, :, 2:] == 0).all()


@pytest.mark.parametrize(("width", "mean"), [(0.2, 0.579), (0.4, 0.316)])
def test_the_guide_has_its_known_mean(width, mean):
    found = guide(torch.tensor([50]), torch.tensor([200]), size=(200, 50), width=width)

    assert float(found.mean()) == pytest.approx(mean, abs=5e-4)
    assert float(found[0, 0, 0]) == 0


def test_the_small_model_has_its_known_count():
    built = build(SMALL, {"source": Tokens(64), "target": Frames(80)}, device="meta")

    assert count(built.model) == 1_889_121


@pytest.mark.parametrize(("change", "words"), [({"kernel": 4}, "no middle"), ({"dim": 9}, "no two halves")])
def test_what_does_not_fit_is_refused(change, words):
    (found,) = faults({**MODEL, **change}, TYPES)

    assert words in found


def test_normalisation_is_torch_s_own_over_real_positions():
    torch.manual_seed(0)
    x, mask = torch.randn(2, 5, 3), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])[:, :, None].bool()
    ours, theirs = MaskedBatchNorm(3), torch.nn.BatchNorm1d(3)
    real = x[mask.squeeze(-1)]

    torch.testing.assert_close(ours(x, mask)[mask.squeeze(-1)], theirs(real), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.mean_C, theirs.running_mean, atol=1e-6, rtol=1e-5)
