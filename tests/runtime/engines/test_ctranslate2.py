from importlib.util import find_spec

import pytest
import torch

from seqspec.components.search.beam import Beam
from seqspec.components.search.greedy import Greedy
from seqspec.runtime.prediction.engines.ctranslate2 import Ctranslate2, check_search
from seqspec.schema.diagnostic import RunError
from seqspec.schema.search._shallow_fusion import ShallowFusion
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import Logits, Tokens
from tests.components.building import batch, infer

if find_spec("ctranslate2") is None:
    pytest.skip("ctranslate2 is not installed", allow_module_level=True)
torch.set_num_threads(1)

LAYERS = {"type": "transformer", "dim": 16, "num_heads": 2, "num_layers": 2, "dropout": 0.0}
VARIANTS = [
    {},
    {"norm": "post"},
    {"activation": "swiglu", "norm_type": "rms", "feed_forward_bias": False},
    {"positions": "learned", "max_positions": 20, "per_dim_scale": True, "bias": False, "final_norm": False},
    {"activation": "gelu", "norm_epsilon": 1e-3},
]


def built(**fields):
    from tests.components.building import build

    layers = {**LAYERS, **fields}
    data = {"type": "encoder_decoder", "encoder": layers, "decoder": layers, "tie": "target"}
    types = {"source": Tokens(20), "target": Tokens(11)}
    model = build(data, types, seed=2).model.eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("bias", "scale", "bias_V")):
                weight.normal_(std=0.3)
        # The engine leaves what may not be written out of the normaliser; no trained model gives it any mass.
        model.head.bias_V[[0, 2]] = -30.0
    config, _, _, _ = infer(data, types)
    return model, config.model


@pytest.mark.parametrize("fields", VARIANTS)
def test_float32_gives_the_same_answers_and_scores_as_our_search(fields):
    model, config = built(**fields)
    engine = Ctranslate2(model, config, arithmetic="float32", threads=1)
    search = Beam(
        BeamConfig(size=3, stop="after_n_finished", max_tokens=8, length_penalty="gnmt", length_bonus=0.3),
        Logits(11),
    )

    for mine, theirs in zip(model.decode(batch(), search), engine.decode(batch(), search), strict=True):
        assert theirs[0].ids == mine[0].ids
        assert theirs[0].log_prob == pytest.approx(mine[0].log_prob, abs=1e-3)
        assert theirs[0].score == pytest.approx(mine[0].score, abs=1e-3)


def test_greedy_and_limits_agree():
    model, config = built()
    engine = Ctranslate2(model, config, arithmetic="float32", threads=1)
    search = Greedy(GreedyConfig(max_tokens=3), Logits(11))

    assert [h[0].ids for h in engine.decode(batch(), search)] == [
        h[0].ids for h in model.decode(batch(), search)
    ]


def test_int8_stays_near():
    model, config = built()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    engine = Ctranslate2(model, config, arithmetic="int8", threads=1)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    search = Beam(BeamConfig(size=3, stop="after_n_finished", max_tokens=8), Logits(11))
    mine, theirs = model.decode(batch(), search), engine.decode(batch(), search)

    assert all(abs(m[0].log_prob - t[0].log_prob) < 0.5 for m, t in zip(mine, theirs, strict=True))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"positions": "rotary"}, "positions `rotary`"),
        ({"feed_forward_kernel": 3}, "kernel of 3"),
        ({"activation": "bilinear"}, "activation `bilinear`"),
    ],
)
def test_what_the_engine_does_not_know_is_said(fields, words):
    model, config = built(**fields)

    with pytest.raises(RunError, match=words):
        Ctranslate2(model, config, arithmetic="float32", threads=1)


def test_searches_that_it_does_not_have_are_refused_and_other_stops_are_told():
    with pytest.raises(RunError, match="no `coverage_penalty`"):
        check_search(Beam(BeamConfig(coverage_penalty="gnmt"), Logits(11)))
    with pytest.raises(RunError, match="no `score_gap`"):
        check_search(Beam(BeamConfig(score_gap=1.0), Logits(11)))
    with pytest.raises(RunError, match="no `ctc_weight`"):
        check_search(Beam(BeamConfig(ctc_weight=0.3), Logits(11, ctc=True)))
    listening = BeamConfig(language_model=ShallowFusion(run="there", weight=0.3))
    with pytest.raises(RunError, match="no `language_model`"):
        check_search(Beam(listening, Logits(11)))

    assert "the spec says `exact`" in check_search(Beam(BeamConfig(), Logits(11)))
    assert check_search(Beam(BeamConfig(stop="after_n_finished"), Logits(11))) is None
    assert check_search(Greedy(GreedyConfig(), Logits(11))) is None
