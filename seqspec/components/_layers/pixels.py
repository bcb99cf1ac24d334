"""Pixels as models of images read and write them."""

# B batch, C channels, H height, W width

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqspec.components.mask_colours import coloured
from seqspec.components.predictions import ImagePrediction, MaskPrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.diagnostic import DataError


def signed(batch: Batch) -> Tensor:
    """The images of a batch in [-1, 1]; they come in [0, 1], which a rule of the compiler sees to."""
    assert batch.source is not None
    return batch.source * 2 - 1


def images(x_BCHW: Tensor) -> list[ImagePrediction]:
    """Images in [-1, 1] as pixels of 0 to 255."""
    values = ((x_BCHW.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return [ImagePrediction(one) for one in values.cpu().numpy()]


def fixed_noise(count: int, dims: Sequence[int], *, device: torch.device) -> Tensor:
    """``[count, …]`` numbers of N(0, 1), the same in every run, so that samples can be compared."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, *dims, generator=generator).to(device)


def in_turn(count: int, classes: int | None, *, device: torch.device) -> Tensor | None:
    """Classes for ``count`` samples, one after another; ``None`` of a model without."""
    return None if classes is None else torch.arange(count, device=device) % classes


def told_classes(batch: Batch, classes: int | None) -> Tensor | None:
    """``[B]``: the class that each image is to be of; ``None`` of a model without.  Raises ``DataError``
    where nothing says.
    """
    if classes is None:
        return None
    if batch.target.dim() != 1:
        raise DataError(
            "the model makes images of a class, and nothing says which",
            help="`seqspec predict RUN IMAGE --field target=CLASS`; of the image its size alone is read",
        )
    return batch.target


def displayed(x_BCHW: Tensor) -> list[ImagePrediction]:
    """Images of any range for the eye: each from its own darkest to its own brightest value."""
    low = x_BCHW.amin((1, 2, 3), keepdim=True)
    high = x_BCHW.amax((1, 2, 3), keepdim=True)
    return images((x_BCHW - low) / (high - low).clamp_min(1e-6) * 2 - 1)


def overlay(image: ImagePrediction, mask: MaskPrediction) -> NDArray[np.uint8]:
    """``[3, H, W]``: the image and the colours of the mask, half of each; class 0 leaves the image alone."""
    pixels_CHW = np.broadcast_to(image.pixels_CHW, (3, *image.pixels_CHW.shape[1:])).astype(np.float32)
    mixed_CHW = (pixels_CHW + coloured(mask)) / 2
    shown_CHW = np.where(mask.classes_HW[None] == 0, pixels_CHW, mixed_CHW)
    return shown_CHW.round().astype(np.uint8)
