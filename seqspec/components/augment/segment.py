"""A random piece of an example."""

# T frames, D features

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.schema.augment.segment import SegmentConfig
from seqspec.schema.types import Frames


class Segment:
    """``augment(x_TD, generator)``: the generator and the number of frames decide where it begins."""

    def __init__(self, config: SegmentConfig, source: Frames) -> None:
        self.frames = config.frames

    def __call__(self, x_TD: Tensor, generator: torch.Generator) -> Tensor:
        spare = max(0, len(x_TD) - self.frames)
        start = int(torch.randint(spare + 1, (), generator=generator))
        return x_TD[start : start + self.frames]
