"""Straight steps along a flow."""

# B batch, C channels, H height, W width

from __future__ import annotations

from torch import Tensor

from seqspec.components.search._images import TIMES, Path
from seqspec.schema.search.euler import EulerConfig
from seqspec.schema.types import Type


class Euler:
    """``search(path, noise_BCHW)`` gives images."""

    def __init__(self, config: EulerConfig, source: Type | None) -> None:
        self.guidance, self.steps = config.guidance, config.steps

    def __call__(self, path: Path, noise_BCHW: Tensor) -> Tensor:
        x_BCHW = noise_BCHW
        for step in range(self.steps):
            time = 1 - step / self.steps
            x_BCHW = x_BCHW - path.said(x_BCHW, time * TIMES, guidance=self.guidance) / self.steps
        return x_BCHW
