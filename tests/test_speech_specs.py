"""Lingvo's LibriSpeech experiments: their published numbers, and what the speech specs share."""

from pathlib import Path

import pytest

from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile

SPECS = Path(__file__).parents[1] / "specs"


def built(name):
    compiled = compile(SPECS / f"{name}.yaml")
    return compiled.plan, build(compiled.plan, tree=compiled.tree, device="meta")


@pytest.mark.parametrize(
    ("name", "count"), [("asr_librispeech", 132_078_844), ("asr_librispeech_wpm", 183_665_256)]
)
def test_trainable_parameters_are_lingvo_s(name, count):
    _, program = built(name)

    assert program.num_parameters == count


def test_lstm_kernels_have_lingvo_s_shapes():
    _, program = built("asr_librispeech")
    encoder, decoder = program.model.encoder, program.model.decoder

    def kernel(layer):
        inputs = layer.input_weight_DGI.shape[2] + layer.state_weight_DGH.shape[2]
        return [inputs, layer.bias_DG.shape[1]]

    assert [kernel(layer) for layer in encoder.layers] == [[1664, 4096]] + 3 * [[3072, 4096]]
    assert [kernel(layer) for layer in decoder.layers] == [[3148, 4096], [4096, 4096]]
    assert program.model.head.weight_VD.shape == (76, 3072)


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (1, 2.5e-4),
        (50_000, 2.5e-4),
        (150_000, 1.25e-4),
        (250_000, 6.25e-5),
        (714_386, 2.5e-6),
        (853_200, 2.5e-6),
    ],
)
def test_learning_rate_is_flat_then_halves_to_a_hundredth(step, rate):
    plan, _ = built("asr_librispeech")

    assert plan.experiment.optimizer.schedule.rate(step) == pytest.approx(rate, rel=1e-4)


def test_recipe_is_lingvo_s():
    plan, _ = built("asr_librispeech")
    train, batch, search = plan.experiment.train, plan.experiment.data.batch, plan.experiment.evaluate.search

    assert batch.buckets == [639, 1062, 1275, 1377, 1449, 1506, 1563, 1710]
    assert batch.sizes == [96] + 7 * [48]
    assert (train.l2, train.clip_norm, train.zero_above_norm) == (1e-6, 1.0, 100.0)
    assert (train.weight_noise.std, train.weight_noise.from_step) == (0.075, 20_000)
    assert (search.size, search.score_gap, search.end_margin, search.length_penalty) == (8, 3.0, 5.0, "none")


@pytest.mark.parametrize("spec", sorted(SPECS.glob("asr_*.yaml")), ids=lambda spec: spec.stem)
def test_every_speech_spec_guards_against_the_ten_hour_file(spec):
    plan = compile(spec).plan

    assert plan.experiment.data.filter.max_seconds is not None
