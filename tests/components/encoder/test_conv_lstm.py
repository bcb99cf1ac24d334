"""The conv + BiLSTM encoder."""

import pytest
import torch

from seqspec.components.encoder.conv_lstm import ConvLstm
from seqspec.schema.config import Mismatch
from seqspec.schema.encoder.conv_lstm import ConvLstmConfig
from seqspec.schema.types import Frames, States, Tokens

TINY = ConvLstmConfig(channels=[2, 3], num_layers=2, dim=4)
FRAMES = Frames(dim=8, rate=100)


def test_padding_does_not_leak():
    torch.manual_seed(0)
    encoder = ConvLstm(TINY, FRAMES).eval()
    x = torch.randn(1, 9, 8)
    longer = torch.cat([x, torch.full((1, 8, 8), 1e4)], dim=1)

    states, lengths = encoder(longer, torch.tensor([9]))

    expected, _ = encoder(x, torch.tensor([9]))
    assert lengths.tolist() == [3]
    torch.testing.assert_close(states[:, :3], expected)
    assert (states[:, 3:] == 0).all()


def test_padding_leaves_training_statistics_alone():
    torch.manual_seed(0)
    encoder = ConvLstm(TINY, FRAMES)
    x = torch.randn(2, 8, 8)
    longer = torch.cat([x, torch.full((2, 8, 8), 1e4)], dim=1)

    given, _ = encoder(longer, torch.tensor([8, 8]))

    torch.testing.assert_close(given[:, :2], encoder(x, torch.tensor([8, 8]))[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("frames", [1, 4, 7, 12])
def test_declared_type_is_what_comes_out(frames):
    source = Frames(dim=24, rate=100, channels=3)
    declared = TINY.output(source)

    with torch.device("meta"):
        states, _ = ConvLstm(TINY, source)(torch.empty(2, frames, 24), torch.empty(2, dtype=torch.int64))

    assert declared == States(dim=8, stride=4, rate=25)
    assert states.shape == (2, -(-frames // declared.stride), declared.dim)


def test_lingvo_encoder_has_its_parameters():
    with torch.device("meta"):
        encoder = ConvLstm(ConvLstmConfig(), Frames(dim=80, rate=100))

    shapes = {name: tuple(p.shape) for name, p in encoder.named_parameters()}
    assert shapes["layers.0.input_weight_DGI"] == (2, 4096, 640)
    assert shapes["layers.3.input_weight_DGI"] == (2, 4096, 2048)
    assert sum(p.numel() for p in encoder.parameters()) == 101_766_560


def test_every_parameter_gets_a_finite_gradient():
    torch.manual_seed(0)
    encoder = ConvLstm(TINY.model_copy(update={"dropout": 0.1, "cell_cap": 10.0}), FRAMES)

    states, _ = encoder(torch.randn(2, 12, 8), torch.tensor([12, 6]))
    states.square().sum().backward()

    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in encoder.parameters())


def test_lists_must_agree_and_frames_are_needed():
    with pytest.raises(Mismatch, match="one each") as caught:
        ConvLstmConfig(channels=[32]).output(FRAMES)
    assert caught.value.at == ("time_strides",)
    with pytest.raises(Mismatch, match="frequency"):
        ConvLstmConfig().output(Tokens(30))
