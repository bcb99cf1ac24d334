"""Few steps back."""

# B batch, C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components.search._images import Path
from seqspec.schema.search.ddim import DdimConfig
from seqspec.schema.types import Type


class Ddim:
    """``search(path, noise_BCHW)`` gives images."""

    def __init__(self, config: DdimConfig, source: Type | None) -> None:
        self.guidance, self.steps, self.eta = config.guidance, config.steps, config.eta

    def __call__(self, path: Path, noise_BCHW: Tensor) -> Tensor:
        process = path.process
        assert process is not None
        count = min(self.steps, process.steps)
        places = torch.linspace(process.steps - 1, 0, count).round().long().tolist()
        x_BCHW = noise_BCHW
        for step, after in zip(places, [*places[1:], -1], strict=True):
            step_B = torch.full((len(x_BCHW),), step, device=x_BCHW.device)
            said_BCHW = path.said(x_BCHW, step, guidance=self.guidance)
            image_BCHW = process.image(x_BCHW, said_BCHW, step_B).clamp(-1, 1)
            if after < 0:
                return image_BCHW
            kept, lost = process.kept_T[after], process.lost_T[after]
            share = lost / process.lost_T[step] * (1 - process.kept_T[step] / kept)
            std = self.eta * share.clamp_min(0).sqrt()
            noise_BCHW = process.noise(x_BCHW, image_BCHW, step_B)
            x_BCHW = kept.sqrt() * image_BCHW + (lost - std.square()).clamp_min(0).sqrt() * noise_BCHW
            if self.eta:
                x_BCHW = x_BCHW + std * torch.randn_like(x_BCHW)
        return x_BCHW
