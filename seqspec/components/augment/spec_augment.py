"""SpecAugment on normalised frames: blanked places become zero, which is then each feature's mean."""

# T frames, D features, C channels, F bins

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.schema.augment.spec_augment import SpecAugmentConfig
from seqspec.schema.types import Frames


class SpecAugment:
    """``augment(x_TD, generator)``; all randomness is the generator's, and ``x_TD`` itself is left as it
    was.
    """

    def __init__(self, config: SpecAugmentConfig, source: Frames) -> None:
        self.channels = source.channels
        self.warp_frames = config.warp_frames
        self.num_bin_masks = config.num_bin_masks
        self.max_bins = config.max_bins
        self.num_time_masks = config.num_time_masks
        self.max_frames = config.max_frames
        self.max_share = config.max_share

    def __call__(self, x_TD: Tensor, generator: torch.Generator) -> Tensor:
        x_TD = _warp(x_TD, self.warp_frames, generator) if self.warp_frames else x_TD.clone()
        x_TCF = x_TD.view(len(x_TD), self.channels, x_TD.shape[1] // self.channels)
        frames, _, bins = x_TCF.shape
        for _ in range(self.num_bin_masks):
            start, end = _stretch(bins, self.max_bins, generator)
            x_TCF[:, :, start:end] = 0.0
        longest = min(self.max_frames, int(self.max_share * frames))
        for _ in range(self.num_time_masks):
            start, end = _stretch(frames, longest, generator)
            x_TCF[start:end] = 0.0
        return x_TD


def _stretch(size: int, longest: int, generator: torch.Generator) -> tuple[int, int]:
    """A stretch of 0 to ``longest`` places, evenly likely, somewhere in ``size``."""
    length = _below(min(longest, size) + 1, generator)
    start = _below(size - length + 1, generator)
    return start, start + length


def _below(bound: int, generator: torch.Generator) -> int:
    return int(torch.randint(bound, (), generator=generator))


def _warp(x_TD: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Moves a random frame by up to ``most`` and stretches both sides evenly; section 2 of the paper, linear
    in time.
    """
    frames = len(x_TD)
    if frames <= 2 * most + 1:
        return x_TD.clone()
    centre = most + _below(frames - 2 * most, generator)
    moved = centre + _below(2 * most + 1, generator) - most
    place_T = torch.arange(frames, dtype=torch.float32)
    last = frames - 1
    left_T = place_T * (centre / max(moved, 1))
    right_T = centre + (place_T - moved) * ((last - centre) / max(last - moved, 1))
    source_T = torch.where(place_T < moved, left_T, right_T).clamp(0, last)
    below_T = source_T.floor().long().clamp(max=max(last - 1, 0))
    share_T1 = (source_T - below_T)[:, None]
    return torch.lerp(x_TD[below_T], x_TD[(below_T + 1).clamp(max=last)], share_T1)
