"""Our Transformer and torch's, with the same weights, give the same numbers to within 1e-5."""

import pytest
import torch
from torch import nn

from seqspec.schema.types import Tokens
from tests.components.building import build

torch.set_num_threads(1)

DIM, HEADS, INNER = 12, 3, 20


def ours(norm, activation):
    layers = {
        "type": "transformer",
        "dim": DIM,
        "num_heads": HEADS,
        "feed_forward_dim": INNER,
        "num_layers": 2,
        "dropout": 0.0,
        "norm": norm,
        "activation": activation,
        "positions": "none",
        "norm_epsilon": 1e-5,
    }
    types = {"source": Tokens(9), "target": Tokens(9)}
    model = build({"type": "encoder_decoder", "encoder": layers, "decoder": layers}, types).model.eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name or name.endswith("bias"):
                weight.add_(torch.randn_like(weight) * 0.1)
    return model


@torch.no_grad()
def copy_attention(theirs, mine):
    parts = (mine.query, mine.key, mine.value)
    theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
    theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    theirs.out_proj.load_state_dict(mine.output.state_dict())


def copy_layer(theirs, mine):
    copy_attention(theirs.self_attn, mine.self_attention)
    norms = [mine.self_residual.norm, mine.feed_forward_residual.norm]
    if mine.cross_attention is not None:
        copy_attention(theirs.multihead_attn, mine.cross_attention)
        norms.insert(1, mine.cross_residual.norm)
    for number, norm in enumerate(norms, start=1):
        getattr(theirs, f"norm{number}").load_state_dict(norm.state_dict())
    theirs.linear1.load_state_dict(mine.feed_forward.expand.state_dict())
    theirs.linear2.load_state_dict(mine.feed_forward.contract.state_dict())


def stack(kind, model, norm, activation):
    layer_of = {"encoder": nn.TransformerEncoderLayer, "decoder": nn.TransformerDecoderLayer}[kind]
    stack_of = {"encoder": nn.TransformerEncoder, "decoder": nn.TransformerDecoder}[kind]
    layer = layer_of(
        DIM, HEADS, INNER, 0.0, activation=activation, batch_first=True, norm_first=norm == "pre"
    )
    final = nn.LayerNorm(DIM) if norm == "pre" else None
    more = {"enable_nested_tensor": False} if kind == "encoder" else {}
    theirs = stack_of(layer, 2, norm=final, **more).eval()
    mine = getattr(model, kind)
    for their_layer, my_layer in zip(theirs.layers, mine.layers, strict=True):
        copy_layer(their_layer, my_layer)
    if final is not None:
        theirs.norm.load_state_dict(mine.norm.state_dict())
    return theirs


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_encoder_and_decoder_equal_torch_on_copied_weights(norm, activation):
    torch.manual_seed(0)
    model = ours(norm, activation)
    x, lengths = torch.randn(3, 6, DIM), torch.tensor([6, 4, 1])
    padding = torch.arange(6) >= lengths[:, None]
    ids = torch.randint(4, 9, (3, 5))
    with torch.no_grad():
        memory, _ = model.encoder(x, lengths)
        expected = stack("encoder", model, norm, activation)(x, src_key_padding_mask=padding)
        hidden = model.decoder(ids, memory, lengths)
        causal = nn.Transformer.generate_square_subsequent_mask(5)
        embedded = model.decoder.embedding(ids)
        written = stack("decoder", model, norm, activation)(
            embedded, memory, tgt_mask=causal, memory_key_padding_mask=padding, tgt_is_causal=True
        )

    torch.testing.assert_close(memory[~padding], expected[~padding], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(hidden, written, atol=1e-5, rtol=1e-5)
