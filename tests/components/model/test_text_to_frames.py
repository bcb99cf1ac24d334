"""Speech synthesis without recurrence."""

import itertools
import math

import pytest
import torch

from seqspec.components.aligner.forward_sum import ForwardSum
from seqspec.components.loss.regression import Regression
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.aligner.forward_sum import ForwardSumConfig
from seqspec.schema.diagnostic import DataError
from seqspec.schema.loss.regression import RegressionConfig
from seqspec.schema.types import Classes, Floats, Frames, Integers, Tokens
from tests.components.building import build, count, faults

TYPES = {"source": Tokens(20), "target": Frames(6, rate=50)}
GIVEN = {**TYPES, "durations": Integers(), "pitch": Floats()}
STACK = {
    "type": "feed_forward_transformer", "num_layers": 1, "dim": 8, "feed_forward_dim": 12,
    "dropout": 0.0, "attention_dropout": 0.0,
}  # fmt: skip
MODEL = {
    "type": "text_to_frames",
    "encoder": STACK,
    "decoder": STACK,
    "duration": {"type": "convolution", "dim": 8, "dropout": 0.0},
    "pitch": {"type": "convolution", "dim": 8, "dropout": 0.0},
}
LEARNED = {**MODEL, "aligner": {"type": "forward_sum", "dim": 4}, "energy": MODEL["pitch"]}


def batch(*, frames_of_pitch=False, **changes):
    torch.manual_seed(3)
    durations = torch.tensor([[2, 0, 3, 1], [1, 4, 0, 0]])
    lengths, frames = torch.tensor([4, 2]), torch.tensor([6, 5])
    target = torch.randn(2, 6, 6)
    target[1, 5:] = 0
    pitch = torch.randn(2, 4) * torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 0]])
    fields = {
        "source": Field(torch.tensor([[5, 6, 7, 8], [9, 10, 0, 0]]), lengths),
        "target": Field(target, frames),
        "durations": Field(durations, lengths),
        "pitch": Field(torch.rand(2, 6, 1), frames) if frames_of_pitch else Field(pitch, lengths),
    }
    return Batch({**fields, **changes}, torch.tensor([11, 12]), 0, {"loss": 1.0})


def alone(of, row):
    """One example without padding."""
    fields = {
        name: Field(f.values[row : row + 1, : f.lengths[row]], f.lengths[row : row + 1])
        for name, f in of.fields.items()
    }
    return of._replace(fields=fields, index=of.index[row : row + 1])


@pytest.mark.parametrize(
    ("model", "types"), [(MODEL, GIVEN), (LEARNED, {**TYPES, "pitch": Frames(1, rate=50)})]
)
def test_padding_does_not_leak_and_every_weight_learns(model, types):
    built = build(model, types).model.train()
    of = batch(frames_of_pitch=isinstance(types["pitch"], Frames))

    outputs = built.outputs(of)
    one = built.outputs(alone(of, 1))

    torch.testing.assert_close(
        outputs["frames"].predicted[1, :5], one["frames"].predicted[0], atol=2e-5, rtol=1e-4
    )
    assert (outputs["frames"].predicted[1, 5:] == 0).all()
    for name in ("duration", "pitch"):
        torch.testing.assert_close(
            outputs[name].predicted[1, :2], one[name].predicted[0], atol=2e-5, rtol=1e-4
        )
    sum(output.scores.square().sum() for output in outputs.values()).backward()
    lacking = [name for name, p in built.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert lacking == []


def test_declared_outputs_are_given():
    built = build(LEARNED, {**TYPES, "pitch": Frames(1, rate=50)})

    given = built.model.outputs(batch(frames_of_pitch=True))

    names = ["aligner.binarization", "aligner.forward_sum", "duration", "energy", "frames", "pitch"]
    assert sorted(given) == names
    assert str(built.gives) == "Frames(dim=6, rate=50)"
    only = built.model.outputs(batch(frames_of_pitch=True), only=frozenset({"pitch"}))
    assert list(only) == ["pitch"]


def test_synthesis_goes_by_predicted_durations():
    model = build(MODEL, GIVEN).model.eval()
    torch.nn.init.zeros_(model.duration.output.weight)
    torch.nn.init.constant_(model.duration.output.bias, math.log(1 + 2.6))

    (first,), (second,) = model.decode(batch(), None)

    assert (first.frames_TD.shape, second.frames_TD.shape) == ((12, 6), (6, 6))
    assert first.rate == 50
    torch.nn.init.constant_(model.duration.output.bias, -3.0)
    assert [len(one[0].frames_TD) for one in model.decode(batch(), None)] == [1, 1]


def test_references_are_the_target_s_frames():
    of = batch()

    first, second = build(MODEL, GIVEN).model.references(of)

    assert (first.frames_TD == of.target[0].numpy()).all()
    assert len(second.frames_TD) == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"durations": Field(torch.tensor([[2, 0, 3, 1], [1, 3, 0, 0]]), torch.tensor([4, 2]))},
         "example 12 has durations that sum to 4, and its target 5 frames"),
        ({"durations": Field(torch.tensor([[2, 0, 4, 0], [1, 4, 0, 0]]), torch.tensor([3, 2]))},
         "example 11 has 3 durations, and its text 4 tokens"),
        ({"pitch": Field(torch.zeros(2, 3), torch.tensor([3, 2]))},
         "example 11 has 3 numbers of `pitch`, and its text 4 tokens"),
    ],
)  # fmt: skip
def test_numbers_that_do_not_fit_are_told(change, words):
    with pytest.raises(DataError, match=words):
        build(MODEL, GIVEN).model.outputs(batch(**change))


@pytest.mark.parametrize(
    ("model", "types", "words"),
    [
        (MODEL, {**TYPES, "pitch": Floats()}, "nothing says how long the tokens are"),
        (MODEL, {**TYPES, "durations": Integers()}, "`pitch` is learned from a field"),
        (MODEL, {**GIVEN, "pitch": Frames(1, rate=60)}, "60 numbers a second"),
        (MODEL, {**GIVEN, "target": Tokens(9)}, "gives frames"),
        (MODEL, {**GIVEN, "source": Frames(3)}, "reads text"),
        ({**MODEL, "decoder": {"type": "conformer", "dim": 8, "num_heads": 2}}, GIVEN, "a state a frame"),
        ({**MODEL, "variance_kernel": 2}, GIVEN, "no middle"),
    ],
)
def test_what_does_not_fit_is_refused(model, types, words):
    found = faults(model, types)

    assert len(found) == 1
    assert words in found[0]


def test_a_speaker_is_needed_where_there_are_several():
    model = build(MODEL, {**GIVEN, "speaker": Classes(2)}).model

    one, other = (model.outputs(batch(speaker=Field(torch.tensor([n, n]))))["frames"] for n in (0, 1))
    assert not torch.equal(one.predicted, other.predicted)
    with pytest.raises(DataError, match="several voices"):
        model.decode(batch(), None)


def test_the_sum_over_alignments_is_the_sum_over_every_path():
    torch.manual_seed(0)
    aligner = ForwardSum(ForwardSumConfig(dim=4, temperature=1.0), {"tokens": Frames(3), "frames": Frames(2)})
    tokens, frames = torch.randn(1, 3, 3), torch.randn(1, 5, 2)

    found = aligner(tokens, torch.tensor([3]), frames, torch.tensor([5]))

    log_p = _unnormalised(aligner, tokens, frames)
    log_p = torch.cat([torch.full((5, 1), -1.0, dtype=torch.float64), log_p], 1).log_softmax(-1)
    total = torch.logsumexp(torch.stack([_path(log_p, path) for path in _paths(5, 3)]), 0)
    assert found.means["forward_sum"].item() == pytest.approx(-float(total) / 3, rel=1e-5)


def _unnormalised(aligner, tokens, frames):
    from seqspec.components._layers.monotonic_alignment import beta_binomial

    real = torch.ones(1, 3, dtype=torch.bool), torch.ones(1, 5, dtype=torch.bool)
    scores = aligner._scores(tokens, real[0], frames, real[1])[0].double().detach()
    return scores.log_softmax(-1) + (beta_binomial(5, 3, 1.0).double() + 1e-8).log()


def _paths(frames, tokens):
    """Every sequence of blanks and tokens that reads 1, 2, …, each token once."""
    for path in itertools.product(range(tokens + 1), repeat=frames):
        merged = [n for n, _ in itertools.groupby(path) if n]
        if merged == list(range(1, tokens + 1)):
            yield path


def _path(log_p, path):
    return sum(log_p[t, n] for t, n in enumerate(path))


def test_fastpitch_s_aligner_has_its_number_of_weights():
    with torch.device("meta"):
        made = ForwardSum(ForwardSumConfig(), {"tokens": Frames(384), "frames": Frames(80)})

    assert count(made) == 1_005_025 - 81  # a layer of 81 weights is never called there


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_the_distance_counts_real_places_alone(norm):
    torch.manual_seed(0)
    predicted, reference, lengths = torch.randn(2, 4, 3), torch.randn(2, 4, 3), torch.tensor([4, 2])
    loss = Regression(RegressionConfig(norm=norm), Frames(3))

    given = loss(predicted, reference, lengths)

    real = torch.cat([(predicted - reference)[0], (predicted - reference)[1, :2]])
    each = real.abs() if norm == "l1" else real.square()
    assert int(given.count) == 6
    assert float(given.total) == pytest.approx(float(each.mean(1).sum()))
    assert sorted(given.terms) == [norm]
    with torch.no_grad():
        assert sorted(loss(predicted, reference, lengths).terms) == ["l1", "l2"]
