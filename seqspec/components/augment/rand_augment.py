"""RandAugment."""

# C channels, H height, W width

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.components.augment._colour import grey_of, mixed
from seqspec.components.augment._image import ImageAugment
from seqspec.schema.augment.rand_augment import RandAugmentConfig
from seqspec.schema.types import Image

MOST = 30
GROUND = 0.5
"""What stands at pixels from beyond the edge."""
COLOURS = (
    "identity", "auto_contrast", "equalize", "solarize", "color", "posterize", "contrast", "brightness",
    "sharpness",
)  # fmt: skip
MOVES = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
NAMES = (*COLOURS, *MOVES)
STRETCH, SHEAR, SHIFT, ANGLE = 0.9, 0.3, 0.33, math.radians(30)
"""Ranges at the largest magnitude: enhancement around 1, shear, shift as a share of the side, rotation."""


class Change(NamedTuple):
    """One change and its direction, 1 or -1."""

    name: str
    sign: int


class RandAugment(ImageAugment):
    """Draws each change and its direction."""

    def __init__(self, config: RandAugmentConfig, source: Image) -> None:
        self.count, self.strength = config.num_layers, config.magnitude / MOST

    def draw(self, height: int, width: int, generator: torch.Generator) -> list[Change]:
        numbers = torch.randint(len(NAMES), (self.count,), generator=generator).tolist()
        signs = torch.randint(2, (self.count,), generator=generator).tolist()
        return [Change(NAMES[number], 2 * sign - 1) for number, sign in zip(numbers, signs, strict=True)]

    def apply(self, x_CHW: Tensor, drawn: list[Change]) -> Tensor:
        for change in drawn:
            if change.name in MOVES:
                x_CHW = moved(x_CHW, self._matrix(change), mode="bilinear", fill=GROUND)
            else:
                x_CHW = recoloured(x_CHW, change.name, self.strength, change.sign)
        return x_CHW

    def on_mask(self, x_HW: Tensor, drawn: list[Change], *, ignore: int | None) -> Tensor:
        for change in drawn:
            if change.name in MOVES:
                x_1HW = x_HW[None].double()
                moved_1HW = moved(x_1HW, self._matrix(change), mode="nearest", fill=float(ignore or 0))
                x_HW = moved_1HW[0].round().to(x_HW.dtype)
        return x_HW

    def _matrix(self, change: Change) -> list[list[float]]:
        """Where each pixel comes from, in coordinates from -1 to 1."""
        amount = change.sign * self.strength
        match change.name:
            case "rotate":
                cos, sin = math.cos(amount * ANGLE), math.sin(amount * ANGLE)
                return [[cos, -sin, 0.0], [sin, cos, 0.0]]
            case "shear_x":
                return [[1.0, amount * SHEAR, 0.0], [0.0, 1.0, 0.0]]
            case "shear_y":
                return [[1.0, 0.0, 0.0], [amount * SHEAR, 1.0, 0.0]]
            case "translate_x":
                return [[1.0, 0.0, 2 * amount * SHIFT], [0.0, 1.0, 0.0]]
        return [[1.0, 0.0, 0.0], [0.0, 1.0, 2 * amount * SHIFT]]


def moved(x_CHW: Tensor, matrix: list[list[float]], *, mode: str, fill: float) -> Tensor:
    """The image under an affine map; in a rectangle angles are those of its square."""
    theta = x_CHW.new_tensor(matrix)[None]
    grid = functional.affine_grid(theta, [1, *x_CHW.shape], align_corners=False)
    # ``fill`` becomes 0, which is what grid_sample has for places beyond the edge.
    found = functional.grid_sample((x_CHW - fill)[None], grid, mode=mode, align_corners=False)
    return found[0] + fill


def recoloured(x_CHW: Tensor, name: str, strength: float, sign: int) -> Tensor:
    """Colours changed, pixels where they were."""
    factor = 1 + sign * strength * STRETCH
    match name:
        case "auto_contrast":
            low, high = x_CHW.amin((1, 2), keepdim=True), x_CHW.amax((1, 2), keepdim=True)
            return torch.where(high > low, (x_CHW - low) / (high - low).clamp_min(1e-6), x_CHW)
        case "equalize":
            return torch.stack([_equalized(one_HW) for one_HW in x_CHW])
        case "solarize":
            return torch.where(x_CHW >= 1 - strength, 1 - x_CHW, x_CHW)
        case "posterize":
            levels = 2 ** (8 - round(4 * strength))
            return (x_CHW * 255 / (256 / levels)).floor() * (256 / levels) / 255
        case "color":
            return mixed(grey_of(x_CHW), x_CHW, factor)
        case "contrast":
            return mixed(grey_of(x_CHW).mean(), x_CHW, factor)
        case "brightness":
            return (x_CHW * factor).clamp(0, 1)
        case "sharpness":
            return mixed(_smooth(x_CHW), x_CHW, factor)
    return x_CHW


def _equalized(x_HW: Tensor) -> Tensor:
    """Values by their rank, so that all are equally common."""
    values = (x_HW * 255).round().clamp(0, 255).long()
    counts = torch.bincount(values.flatten(), minlength=256)
    first = int(counts[values.min()])
    ranks = (counts.cumsum(0) - first).clamp_min(0).to(x_HW.dtype) / max(values.numel() - first, 1)
    return ranks[values]


def _smooth(x_CHW: Tensor) -> Tensor:
    """The mean of 3 × 3 pixels, the middle one five times, as Pillow smooths; edges repeat."""
    kernel = x_CHW.new_ones(1, 1, 3, 3)
    kernel[0, 0, 1, 1] = 5
    padded = functional.pad(x_CHW[:, None], (1, 1, 1, 1), mode="replicate")
    return functional.conv2d(padded, kernel / kernel.sum())[:, 0]
