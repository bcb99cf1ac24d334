"""Mixtures of two images."""

# C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components.augment._mixing import Mixing
from seqspec.data.batching.mixing_partners import Mixed


class Mixup(Mixing):
    """Draws the weight of an image's own values (equation 2)."""

    def mix(self, x_CHW: Tensor, other_CHW: Tensor, generator: torch.Generator) -> Mixed:
        share = self.drawn_share(generator)
        return Mixed(torch.lerp(other_CHW, x_CHW, share), share)
