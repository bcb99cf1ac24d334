import pytest
import torch

from seqspec.components._layers.attention import Attention
from seqspec.schema.types import Tokens
from tests.components.building import build, faults

torch.set_num_threads(1)

DECODER = {
    "type": "local_transformer",
    "num_layers": 2,
    "dim": 8,
    "num_heads": 2,
    "block": 3,
    "dropout": 0.0,
}


def local(**more):
    data = {"type": "language_model", "decoder": {**DECODER, **more}}
    return build(data, {"target": Tokens(11)}, seed=2)


@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("size", [1, 3, 7, 12])
def test_blocks_equal_a_mask_over_everything(size, rotary):
    torch.manual_seed(0)
    attention = Attention(8, num_heads=2, rotary=rotary)
    x = torch.randn(2, size, 8)
    places = torch.arange(size)
    block = places // 3
    seen = (places <= places[:, None]) & (block >= block[:, None] - 1)

    torch.testing.assert_close(attention.within(x, block=3), attention(x, mask=seen[None, None]))


def test_dropout_of_attention_keeps_to_the_blocks():
    torch.manual_seed(0)
    attention = Attention(8, num_heads=2, dropout=0.5)
    x = torch.randn(1, 9, 8, requires_grad=True)
    (grad,) = torch.autograd.grad(attention.within(x, block=3)[:, 8].sum(), x)

    assert not grad[:, :3].any()
    assert grad[:, 3:].any()


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("positions", ["sinusoidal", "rotary"])
def test_cached_steps_equal_the_whole_at_once(norm, positions):
    decoder = local(norm=norm, positions=positions).model.eval().decoder
    ids = torch.randint(4, 11, (3, 10), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        whole = decoder(ids)
        state = decoder.start(None, None, examples=3)
        for at in range(10):
            hidden, state = decoder.step(ids[:, at], state)
            torch.testing.assert_close(hidden, whole[:, at], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"positions": "relative"}, "attention in blocks cannot add positions `relative`"),
        ({"feed_forward_kernel": 3}, "a layer with blocks has no convolution"),
        ({"num_heads": 3}, "3 heads do not divide a width of 8"),
    ],
)
def test_what_does_not_fit_is_said(more, words):
    found = faults({"type": "language_model", "decoder": {**DECODER, **more}}, {"target": Tokens(11)})

    assert any(words in message for message in found), found


def test_an_encoder_is_not_looked_at():
    encoder = {"type": "transformer", "dim": 8, "num_layers": 1}
    found = faults({"type": "encoder_decoder", "encoder": encoder, "decoder": DECODER})

    assert any("looks at no encoder" in message for message in found), found
