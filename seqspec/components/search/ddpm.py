"""Every step back with new noise."""

# B batch, C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components.search._images import Path
from seqspec.schema.search.ddpm import DdpmConfig
from seqspec.schema.types import Type


class Ddpm:
    """``search(path, noise_BCHW)`` gives images."""

    def __init__(self, config: DdpmConfig, source: Type | None) -> None:
        self.guidance, self.large = config.guidance, config.variance == "large"

    def __call__(self, path: Path, noise_BCHW: Tensor) -> Tensor:
        process = path.process
        assert process is not None
        x_BCHW = noise_BCHW
        for step in reversed(range(process.steps)):
            step_B = torch.full((len(x_BCHW),), step, device=x_BCHW.device)
            said_BCHW = path.said(x_BCHW, step, guidance=self.guidance)
            image_BCHW = process.image(x_BCHW, said_BCHW, step_B).clamp(-1, 1)
            x_BCHW, variance_B111 = process.posterior(x_BCHW, image_BCHW, step_B)
            variance = process.betas_T[step] if self.large else variance_B111
            if step:
                x_BCHW = x_BCHW + variance.sqrt() * torch.randn_like(x_BCHW)
        return x_BCHW
