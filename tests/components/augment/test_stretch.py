"""Stretching of time and frequency."""

import pytest
import torch

from seqspec.components.augment.stretch import Stretch
from seqspec.schema.augment.stretch import StretchConfig
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Frames, Tokens

FRAMES = Frames(dim=12, rate=100, channels=2)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def test_the_generator_alone_decides():
    augment, x = Stretch(StretchConfig(), FRAMES), torch.randn(40, 12)

    one, other = augment(x, generator(1)), augment(x, generator(1))

    assert torch.equal(one, other)
    assert one.shape[1] == 12


def test_length_stays_within_the_share_and_both_ends_are_kept():
    augment = Stretch(StretchConfig(time=0.2, bins=0.0), FRAMES)
    x = torch.arange(100.0)[:, None].repeat(1, 12)

    found = [augment(x, generator(seed)) for seed in range(60)]

    lengths = {len(y) for y in found}
    assert min(lengths) >= 80
    assert max(lengths) <= 120
    assert len(lengths) > 20
    for y in found:
        torch.testing.assert_close(y[[0, -1]], x[[0, -1]])


def test_a_peak_moves_with_the_frequency_in_every_channel():
    augment = Stretch(StretchConfig(time=0.0, bins=0.5), Frames(dim=80, rate=100, channels=2))
    x = torch.zeros(3, 2, 40)
    x[:, :, 20] = 1.0

    peaks = set()
    for seed in range(40):
        y = augment(x.flatten(1), generator(seed)).view(3, 2, 40)
        assert torch.equal(y[:, 0], y[:, 1])
        peaks.add(int(y[0, 0].argmax()))

    assert min(peaks) < 15
    assert max(peaks) > 25
    assert min(peaks) >= 10
    assert max(peaks) <= 30


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_very_short_utterances_pass(frames):
    y = Stretch(StretchConfig(time=0.5, bins=0.5), FRAMES)(torch.ones(frames, 12), generator(0))

    assert y.shape[1] == 12
    assert len(y) >= min(frames, 1)
    torch.testing.assert_close(y, torch.ones_like(y))


def test_without_shares_nothing_changes():
    x = torch.randn(9, 12)

    assert torch.equal(Stretch(StretchConfig(time=0.0, bins=0.0), FRAMES)(x, generator(0)), x)


def test_frames_are_needed():
    with pytest.raises(Mismatch, match="frames"):
        StretchConfig().output(Tokens(5))
