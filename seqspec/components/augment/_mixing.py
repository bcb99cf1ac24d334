"""What augmentation shares that mixes two images and their labels."""

# C channels, H height, W width

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from seqspec.data.batching.mixing_partners import Mixed
from seqspec.schema.augment._mixing import MixingConfig
from seqspec.schema.types import Image


class Mixing(ABC):
    """``mix(x_CHW, other_CHW, generator)``; both images are left as they were."""

    mixes = True

    def __init__(self, config: MixingConfig, source: Image) -> None:
        self.alpha, self.chance = config.alpha, config.chance

    def __call__(self, x_CHW: Tensor, other_CHW: Tensor, generator: torch.Generator) -> Mixed | None:
        """``None`` where the image stays alone."""
        if torch.rand((), generator=generator, dtype=torch.float64).item() >= self.chance:
            return None
        return self.mix(x_CHW, other_CHW, generator)

    @abstractmethod
    def mix(self, x_CHW: Tensor, other_CHW: Tensor, generator: torch.Generator) -> Mixed:
        """The mixture, whatever the chance."""

    def drawn_share(self, generator: torch.Generator) -> float:
        """From Beta(alpha, alpha), as two gamma variates over their sum (Devroye 1986, section IX.4)."""
        shape = torch.full((2,), self.alpha, dtype=torch.float64)
        own, other = torch._standard_gamma(shape, generator=generator).tolist()
        return own / (own + other) if own + other > 0 else 1.0
