"""Encoders that stream give what they give offline under the same masks, however the stream is cut up."""

from itertools import pairwise

import pytest
import torch

from seqspec.components.encoder.conformer import Conformer
from seqspec.components.encoder.conv_lstm import ConvLstm
from seqspec.components.encoder.recurrent import Recurrent
from seqspec.components.encoder.transformer import Transformer
from seqspec.schema.encoder.conformer import ConformerConfig
from seqspec.schema.encoder.conv_lstm import ConvLstmConfig
from seqspec.schema.encoder.recurrent import RecurrentConfig
from seqspec.schema.encoder.transformer import TransformerConfig
from seqspec.schema.streaming import Obstacle, Streams
from seqspec.schema.types import Frames

DIM, FRAMES = 8, 53
SOURCE = Frames(DIM, rate=100)
BLOCK = {"num_layers": 2, "dim": 8, "num_heads": 2, "feed_forward_dim": 12}
CONFORMER = {**BLOCK, "kernel": 5, "causal": True, "subsampling_channels": 3}
LAYERS = {**BLOCK, "dropout": 0.1, "input_dropout": 0.1}
RECURRENT = {"num_layers": 2, "dim": 6, "bidirectional": False}
CONV = {"channels": [3, 4], "num_layers": 2, "dim": 6, "bidirectional": False}
CASES = {
    "conformer": (Conformer, ConformerConfig, {**CONFORMER, "chunk": 3}),
    "conformer_left": (
        Conformer,
        ConformerConfig,
        {**CONFORMER, "chunk": 2, "left_context": 3, "subsampling": 2},
    ),
    "conformer_none_left": (
        Conformer,
        ConformerConfig,
        {**CONFORMER, "chunk": 4, "left_context": 0, "subsampling": 1},
    ),
    "conformer_dynamic": (
        Conformer,
        ConformerConfig,
        {**CONFORMER, "chunk": 3, "dynamic_chunk": 5, "subsampling": 8},
    ),
    "transformer": (Transformer, TransformerConfig, {**LAYERS, "chunk": 7, "left_context": 5}),
    "transformer_rotary": (Transformer, TransformerConfig, {**LAYERS, "chunk": 7, "positions": "rotary"}),
    "transformer_relative": (
        Transformer,
        TransformerConfig,
        {**LAYERS, "chunk": 4, "left_context": 9, "positions": "relative", "norm": "post", "dim": 12},
    ),
    "transformer_linear": (Transformer, TransformerConfig, {**LAYERS, "chunk": 4, "positions": "linear"}),
    "lstm": (Recurrent, RecurrentConfig, {**RECURRENT, "project": 5, "residual_from": 2}),
    "gru": (Recurrent, RecurrentConfig, {**RECURRENT, "cell": "gru"}),
    "normed_lstm": (Recurrent, RecurrentConfig, {**RECURRENT, "cell": "layer_norm_lstm", "projected_dim": 4}),
    "conv_lstm": (ConvLstm, ConvLstmConfig, CONV),
    "conv_lstm_capped": (
        ConvLstm,
        ConvLstmConfig,
        {**CONV, "cell_cap": 0.5, "time_strides": [2, 1], "projection": "none"},
    ),
}
TOLERANCE = {"rtol": 0.0, "atol": 1e-5}


def built(name):
    module, config_class, settings = CASES[name]
    config = config_class(**settings)
    torch.manual_seed(3)
    encoder = module(config, SOURCE).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return encoder, config


def streamed(encoder, x_BTD, cuts):
    state, given = None, []
    for start, end in pairwise([0, *cuts, x_BTD.shape[1]]):
        states, state = encoder.advance(x_BTD[:, start:end], state, last=end == x_BTD.shape[1])
        given.append(states)
    return given


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_a_stream_in_any_pieces_gives_the_offline_states(name):
    encoder, _ = built(name)
    x_BTD = torch.randn(1, FRAMES, DIM)
    offline, lengths = encoder(x_BTD, torch.tensor([FRAMES]))

    for cuts in ([], list(range(1, FRAMES)), [1, 1, 30, 52], [0, 16, 17, 41]):
        given = torch.cat(streamed(encoder, x_BTD, cuts), dim=1)

        assert given.shape[1] == lengths.item()
        torch.testing.assert_close(given, offline, **TOLERANCE)


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_states_come_as_soon_as_the_config_says(name):
    encoder, config = built(name)
    said = config.streaming(SOURCE)
    assert isinstance(said, Streams)
    x_BTD = torch.randn(1, FRAMES, DIM)
    enough = said.chunk + said.ahead

    early, state = encoder.advance(x_BTD[:, : enough - 1], None, last=False)
    then, _ = encoder.advance(x_BTD[:, enough - 1 : enough], state, last=False)

    assert early.shape[1] == 0
    assert then.shape[1] > 0


@pytest.mark.parametrize("name", ["conformer_left", "transformer"])
@torch.no_grad()
def test_what_lies_behind_a_chunk_changes_nothing_in_it_and_padding_nothing_at_all(name):
    encoder, config = built(name)
    frames = config.streaming(SOURCE).chunk * 3
    x_BTD = torch.randn(2, 60, DIM)
    changed = x_BTD.clone()
    changed[:, frames:] = 1e3
    whole, _ = encoder(x_BTD, torch.tensor([60, 21]))
    other, _ = encoder(changed, torch.tensor([60, 21]))
    alone, lengths = encoder(x_BTD[1:, :21], torch.tensor([21]))

    states = whole.shape[1] * frames // 60
    torch.testing.assert_close(other[0, :states], whole[0, :states], **TOLERANCE)
    assert not torch.allclose(other[0, states], whole[0, states], **TOLERANCE)
    torch.testing.assert_close(whole[1, : lengths.item()], alone[0], **TOLERANCE)
    assert whole.isfinite().all()


def test_dynamic_chunks_are_drawn_in_training_alone():
    encoder, _ = built("conformer_dynamic")
    x_BTD = torch.randn(1, 200, DIM)
    for part in encoder.modules():
        if hasattr(part, "p"):
            part.p = 0.0
    drawn = {encoder.train()(x_BTD, torch.tensor([200]))[0].sum().item() for _ in range(40)}
    settled = {encoder.eval()(x_BTD, torch.tensor([200]))[0].sum().item() for _ in range(3)}

    assert 4 <= len(drawn) <= 6, "everything, or 1 to 5 states, of which one is the chunk of inference"
    assert len(settled) == 1


def test_an_encoder_that_needs_the_whole_says_what_to_set():
    for config in (ConformerConfig(), TransformerConfig(), RecurrentConfig(), ConvLstmConfig()):
        said = config.streaming(SOURCE)

        assert isinstance(said, Obstacle)
        assert said.at
        assert said.at[0] in said.help
