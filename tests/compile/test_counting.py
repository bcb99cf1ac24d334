from pathlib import Path

import pytest

from seqspec.compile.cost.parameter_count import counted
from seqspec.compile.cost.parameter_table import count
from seqspec.compile.pipeline import compile as compile_spec
from tests.compile.experiments import compiled

SPECS = sorted(Path(__file__).parents[2].joinpath("specs").glob("*.yaml"))
COUNTED = [spec for spec in SPECS if counted(compile_spec(spec).plan) is not None]


@pytest.mark.parametrize("spec", COUNTED, ids=lambda spec: spec.stem)
def test_arithmetic_agrees_with_the_built_model(spec):
    found = compile_spec(spec)

    assert counted(found.plan) == count(found)


@pytest.mark.parametrize(
    "sets",
    [
        ["model.encoder.positions=relative", "model.decoder.positions=rotary"],
        ["model.encoder.positions=learned", "model.encoder.max_positions=200", "model.decoder.norm=post"],
        [
            "model.encoder.activation=swiglu",
            "model.encoder.bias=false",
            "model.decoder.feed_forward_bias=false",
        ],
        ["model.encoder.norm_type=rms", "model.encoder.final_norm=false", "model.decoder.per_dim_scale=true"],
        ["model.tie=target"],
        ["model.encoder.feed_forward_kernel=3", "model.decoder.dim=128", "model.head.bias=false"],
    ],
    ids=lambda sets: sets[0],
)
def test_every_setting_that_adds_weights_is_counted(tmp_path, sets):
    found = compiled(tmp_path, "model.encoder.dim=64", "model.decoder.num_layers=1", *sets)

    assert counted(found.plan) == count(found)


def test_an_unknown_vocabulary_is_not_guessed(tmp_path):
    assert counted(compiled(tmp_path, task="lm").plan) is None
