"""Steps along a flow that are corrected."""

# B batch, C channels, H height, W width

from __future__ import annotations

from torch import Tensor

from seqspec.components.search._images import TIMES, Path
from seqspec.schema.search.heun import HeunConfig
from seqspec.schema.types import Type


class Heun:
    """``search(path, noise_BCHW)`` gives images."""

    def __init__(self, config: HeunConfig, source: Type | None) -> None:
        self.guidance, self.steps = config.guidance, config.steps

    def __call__(self, path: Path, noise_BCHW: Tensor) -> Tensor:
        x_BCHW = noise_BCHW
        for step in range(self.steps):
            time, after = 1 - step / self.steps, 1 - (step + 1) / self.steps
            first_BCHW = path.said(x_BCHW, time * TIMES, guidance=self.guidance)
            straight_BCHW = x_BCHW - first_BCHW / self.steps
            second_BCHW = path.said(straight_BCHW, after * TIMES, guidance=self.guidance)
            x_BCHW = x_BCHW - (first_BCHW + second_BCHW) / (2 * self.steps)
        return x_BCHW
