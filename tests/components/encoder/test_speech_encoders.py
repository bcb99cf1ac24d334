"""What the speech encoders promise alike."""

import pytest
import torch

from seqspec.components.encoder.bilstm import Bilstm
from seqspec.components.encoder.conformer import Conformer
from seqspec.components.encoder.conv_lstm import ConvLstm
from seqspec.schema.config import Mismatch
from seqspec.schema.encoder.bilstm import BilstmConfig
from seqspec.schema.encoder.conformer import ConformerConfig
from seqspec.schema.encoder.conv_lstm import ConvLstmConfig
from seqspec.schema.types import Frames, Tokens

FRAMES = Frames(dim=8, rate=100)
CONFORMER = ConformerConfig(
    num_layers=2, dim=8, num_heads=2, feed_forward_dim=16, kernel=5, subsampling_channels=3
)
CASES = [
    (Conformer, CONFORMER),
    (Conformer, CONFORMER.model_copy(update={"subsampling": 1})),
    (ConvLstm, ConvLstmConfig(channels=[2, 3], num_layers=2, dim=4)),
    (Bilstm, BilstmConfig(num_layers=2, dim=4)),
    (Bilstm, BilstmConfig(num_layers=1, dim=4, stack=3, cell_cap=5.0)),
]


@pytest.mark.parametrize(("cls", "config"), CASES)
def test_padding_does_not_leak(cls, config):
    torch.manual_seed(0)
    encoder = cls(config, FRAMES).eval()
    x = torch.randn(1, 10, 8)
    longer = torch.cat([x, torch.full((1, 9, 8), 1e3)], dim=1)

    states, lengths = encoder(longer, torch.tensor([10]))

    expected, own = encoder(x, torch.tensor([10]))
    assert lengths.tolist() == own.tolist() == [expected.shape[1]]
    torch.testing.assert_close(states[:, : own[0]], expected, atol=1e-5, rtol=1e-5)
    assert (states[:, own[0] :] == 0).all()


@pytest.mark.parametrize(("cls", "config"), CASES)
@pytest.mark.parametrize("frames", [1, 5, 8])
def test_declared_type_is_what_comes_out(cls, config, frames):
    declared = config.output(FRAMES)

    with torch.device("meta"):
        states, _ = cls(config, FRAMES)(torch.empty(2, frames, 8), torch.empty(2, dtype=torch.int64))

    assert states.shape == (2, -(-frames // declared.stride), declared.dim)
    assert declared.rate * declared.stride == 100


@pytest.mark.parametrize(("cls", "config"), CASES)
def test_every_parameter_gets_a_finite_gradient(cls, config):
    torch.manual_seed(0)
    encoder = cls(config, FRAMES)

    states, _ = encoder(torch.randn(2, 12, 8), torch.tensor([12, 6]))
    (states * torch.randn_like(states)).sum().backward()

    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in encoder.parameters())


@pytest.mark.parametrize(("cls", "config"), CASES)
def test_recordings_without_a_single_frame_pass(cls, config):
    states, lengths = cls(config, FRAMES).eval()(torch.empty(2, 0, 8), torch.tensor([0, 0]))

    assert lengths.tolist() == [0, 0]
    assert states.isfinite().all()


def test_the_paper_s_small_conformer_has_about_its_ten_million_parameters():
    small = ConformerConfig(num_layers=16, dim=144, feed_forward_dim=576, num_heads=4)
    with torch.device("meta"):
        count = sum(p.numel() for p in Conformer(small, Frames(dim=80, rate=100)).parameters())

    assert 8.0e6 < count < 10.5e6


@pytest.mark.parametrize(
    ("config", "source", "field", "words"),
    [
        (ConformerConfig(dim=100, num_heads=8), FRAMES, ("num_heads",), "96 and 112"),
        (ConformerConfig(kernel=4), FRAMES, ("kernel",), "odd"),
        (ConformerConfig(), Tokens(9), (), "transformer"),
        (BilstmConfig(), Tokens(9), (), ""),
    ],
)
def test_what_does_not_fit_is_refused(config, source, field, words):
    with pytest.raises(Mismatch) as caught:
        config.output(source)

    assert caught.value.at == field
    assert words in (caught.value.help or "")
