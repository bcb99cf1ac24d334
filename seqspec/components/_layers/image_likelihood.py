"""How likely the pixels of an image are, given what a decoder says of them."""

# B batch, C channels, H height, W width

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

HALF = 1 / 255
"""Half the distance of two values of a pixel, in [-1, 1]."""
LEAST = -7.0
"""Of the logarithm of a scale, as in PixelCNN++."""
TINY = 1e-12


class ImageLikelihood(nn.Module):
    """``nll(given, wanted)`` in nats an example; ``wanted`` is what ``target`` made of the pixels, so that
    several samples of a latent variable are held against the same values.
    """

    def __init__(self, config: Any, *, channels: int) -> None:
        super().__init__()
        self.kind = config.likelihood
        self.binarize = config.binarize if self.kind == "bernoulli" else "none"
        if self.kind != "bernoulli":
            self.log_scale_C11 = nn.Parameter(torch.full((channels, 1, 1), -1.0))

    @property
    def range(self) -> str:
        """The values that ``target`` gives, in words."""
        if self.kind != "bernoulli":
            return "pixels are in [-1, 1]"
        return "pixels are in [0, 1]" + ("" if self.binarize == "none" else ", made 0 or 1 beforehand")

    def target(self, x_BCHW: Tensor) -> Tensor:
        """The values that are told, of pixels in [-1, 1]: 0 to 1 for ``bernoulli``, else as they are."""
        if self.kind != "bernoulli":
            return x_BCHW
        share_BCHW = (x_BCHW + 1) / 2
        match self.binarize:
            case "stochastic":
                return torch.bernoulli(share_BCHW)
            case "threshold":
                return (share_BCHW > 0.5).to(share_BCHW.dtype)
        return share_BCHW

    def nll(self, given_BCHW: Tensor, wanted_BCHW: Tensor) -> Tensor:
        """``[B]``: the sum over the dimensions."""
        given_BCHW, wanted_BCHW = given_BCHW.float(), wanted_BCHW.float()
        match self.kind:
            case "bernoulli":
                each = functional.binary_cross_entropy_with_logits(given_BCHW, wanted_BCHW, reduction="none")
            case "logistic":
                each = -discretised_logistic(wanted_BCHW, torch.tanh(given_BCHW), self._log_scale)
            case _:
                each = self._gaussian(wanted_BCHW - torch.tanh(given_BCHW))
        return each.flatten(1).sum(1)

    def mean(self, given_BCHW: Tensor) -> Tensor:
        """The image that is expected, in [-1, 1]."""
        if self.kind == "bernoulli":
            return 2 * torch.sigmoid(given_BCHW) - 1
        return torch.tanh(given_BCHW)

    @property
    def _log_scale(self) -> Tensor:
        return self.log_scale_C11.clamp_min(LEAST)

    def _gaussian(self, off_BCHW: Tensor) -> Tensor:
        log_scale = self._log_scale
        return 0.5 * (off_BCHW * (-log_scale).exp()).square() + log_scale + 0.5 * math.log(2 * math.pi)


def discretised_logistic(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Log-probability of one of 256 values in [-1, 1]: the logistic distribution's mass around it, the first
    and the last value taking what lies beyond (Salimans et al. 2017, equation 2).
    """
    inverse = torch.exp(-log_scale)
    above, below = (x - mean + HALF) * inverse, (x - mean - HALF) * inverse
    inside = (torch.sigmoid(above) - torch.sigmoid(below)).clamp_min(TINY).log()
    # Where the mass underflows it is the density times the width, by the logarithm of the density.
    middle = (x - mean) * inverse
    far = middle - log_scale - 2 * functional.softplus(middle) + math.log(2 * HALF)
    inside = torch.where(torch.sigmoid(above) - torch.sigmoid(below) > 1e-5, inside, far)
    first, last = functional.logsigmoid(above), -functional.softplus(below)
    return torch.where(x < -1 + HALF, first, torch.where(x > 1 - HALF, last, inside))
