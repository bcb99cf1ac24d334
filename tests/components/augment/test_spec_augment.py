"""SpecAugment."""

import pytest
import torch

from seqspec.components.augment.spec_augment import SpecAugment, _warp
from seqspec.schema.augment.spec_augment import SpecAugmentConfig
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Frames, Waveform

FRAMES = Frames(dim=20, rate=100)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def test_the_generator_alone_decides():
    augment = SpecAugment(SpecAugmentConfig(max_bins=8, max_frames=10, warp_frames=5), FRAMES)
    x = torch.randn(60, 20)
    before = x.clone()

    torch.manual_seed(1)
    one = augment(x, generator(7))
    torch.manual_seed(2)
    other = augment(x, generator(7))

    assert torch.equal(one, other)
    assert not torch.equal(one, augment(x, generator(8)))
    assert torch.equal(x, before)


def test_masks_are_bands_and_stretches_within_their_limits():
    config = SpecAugmentConfig(num_bin_masks=1, max_bins=6, num_time_masks=1, max_frames=9)
    augment = SpecAugment(config, FRAMES)
    widths, lengths = set(), set()

    for seed in range(300):
        zero = augment(torch.ones(40, 20), generator(seed)) == 0
        bins, frames = zero.all(0).nonzero().flatten(), zero.all(1).nonzero().flatten()
        assert zero.sum() == len(bins) * 40 + len(frames) * 20 - len(bins) * len(frames)
        for run in (bins, frames):
            assert len(run) == 0 or run[-1] - run[0] == len(run) - 1
        widths.add(len(bins))
        lengths.add(len(frames))

    assert widths == set(range(7))
    assert lengths == set(range(10))


def test_share_limits_short_utterances():
    augment = SpecAugment(
        SpecAugmentConfig(num_bin_masks=0, max_bins=0, num_time_masks=1, max_share=0.2), FRAMES
    )

    worst = max(int((augment(torch.ones(10, 20), generator(seed)) == 0).all(1).sum()) for seed in range(100))

    assert worst == 2


def test_all_channels_lose_the_same_bins():
    augment = SpecAugment(
        SpecAugmentConfig(num_time_masks=0, max_bins=5), Frames(dim=30, rate=100, channels=3)
    )

    x = augment(torch.ones(4, 30), generator(3)).view(4, 3, 10)

    assert (x == 0).any()
    assert torch.equal(x[:, 0], x[:, 2])


def test_warping_keeps_the_ends_and_the_order():
    ramp = torch.arange(50.0)[:, None]

    warped = _warp(ramp, 10, generator(1))

    assert warped.shape == ramp.shape
    torch.testing.assert_close(warped[[0, -1]], ramp[[0, -1]])
    assert (warped[1:] >= warped[:-1]).all()
    assert not torch.allclose(warped, ramp)


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_very_short_utterances_pass(frames):
    augment = SpecAugment(SpecAugmentConfig(max_bins=5, warp_frames=80), FRAMES)

    assert augment(torch.ones(frames, 20), generator(0)).shape == (frames, 20)


def test_frames_are_needed_and_bands_must_fit():
    with pytest.raises(Mismatch, match="frames"):
        SpecAugmentConfig().output(Waveform(16_000))
    with pytest.raises(Mismatch, match="wider") as caught:
        SpecAugmentConfig().output(FRAMES)
    assert caught.value.at == ("max_bins",)
