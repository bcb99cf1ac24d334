"""Grey, and mixtures with it."""

# C channels, H height, W width

from __future__ import annotations

from torch import Tensor

WEIGHTS = (0.299, 0.587, 0.114)
"""Of red, green and blue in grey: ITU-R BT.601."""


def grey_of(x_CHW: Tensor) -> Tensor:
    """``[1, H, W]``: how bright each pixel is."""
    if len(x_CHW) != 3:
        return x_CHW.mean(0, keepdim=True)
    return (x_CHW * x_CHW.new_tensor(WEIGHTS)[:, None, None]).sum(0, keepdim=True)


def mixed(ground: Tensor, x_CHW: Tensor, share: float) -> Tensor:
    """From ``ground`` at 0 over the image at 1 and beyond, in [0, 1]."""
    return (ground + (x_CHW - ground) * share).clamp(0, 1)
