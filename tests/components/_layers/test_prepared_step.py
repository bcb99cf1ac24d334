"""A prepared step of a layer gives what its modules give."""

import pytest
import torch
from torch import nn

from seqspec.components._layers.linear import prepacked
from seqspec.components._layers.prepared_step import prepared
from seqspec.schema.types import Tokens
from tests.components.building import batch, build

STEPS = 4
DECODERS = {
    "before": {"norm": "pre"},
    "after": {"norm": "post"},
    "root mean square": {"norm_type": "rms", "activation": "swiglu", "bias": False},
    "by distance": {"positions": "relative", "activation": "gelu"},
    "rotary": {"positions": "rotary"},
    "wide": {"feed_forward_dim": 6000},
}


def translator(**decoder):
    model = {
        "type": "encoder_decoder",
        "encoder": {"type": "transformer", "dim": 16, "num_layers": 1, "num_heads": 2},
        "decoder": {"type": "transformer", "num_layers": 2, **decoder},
    }
    return build(model, {"source": Tokens(20), "target": Tokens(40)}, seed=5).model.eval()


def stepped(model, given):
    """Logits of some steps, hypotheses changing places between them."""
    state, found = model.start(*model.encode(given)), []
    state = state.select(torch.tensor([0, 0, 0, 1, 1, 1]))
    for ids_N in torch.randint(4, 40, (STEPS, 6), generator=torch.Generator().manual_seed(1)):
        logits_NV, state = model.step(ids_N, state)
        found.append(logits_NV)
        state = state.select(torch.tensor([2, 0, 0, 3, 5, 4]))
    return torch.stack(found)


@pytest.mark.parametrize("name", DECODERS)
@torch.inference_mode()
def test_prepared_layers_give_what_their_modules_give(name):
    model, given = translator(**DECODERS[name]), batch(rows=2, target=40)
    expected = stepped(model, given)

    with prepacked():
        assert all(prepared(layer) is not None for layer in model.decoder.layers)
        found = stepped(model, given)

    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_only_what_is_plain_and_done_with_learning_is_prepared():
    layer = translator().decoder.layers[0]
    with torch.no_grad():
        assert prepared(layer) is None
        with prepacked():
            assert prepared(layer) is not None
            assert prepared(layer) is prepared(layer)
            assert prepared(translator(per_dim_scale=True).decoder.layers[0]) is None
            assert prepared(layer.train()) is None
    with prepacked():
        assert prepared(layer.eval()) is None


@torch.inference_mode()
def test_a_module_that_is_listened_to_is_not_passed_over():
    layer = translator().decoder.layers[0]
    layer.feed_forward.expand.register_forward_hook(lambda *_: None)

    with prepacked():
        assert prepared(layer) is None


@torch.inference_mode()
def test_an_inner_part_of_another_kind_is_not_passed_over():
    layer = translator().decoder.layers[0]
    layer.cross_attention.output = nn.Linear(16, 16)

    with prepacked():
        assert prepared(layer) is None
