"""Mean and variance of frames and images: each example's own, or those of the training split."""

# T frames, D features, C channels

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

LEAST_STD = 1e-5


class Statistics(NamedTuple):
    """Mean and standard deviation of each feature or channel over the training split."""

    mean: np.ndarray
    std: np.ndarray


def normalize_frames(
    x_TD: np.ndarray, how: Literal["none", "utterance", "global"], known: Statistics | None
) -> np.ndarray:
    """Frames with mean 0 and variance 1 for each feature, float32."""
    match how:
        case "none":
            return np.asarray(x_TD, np.float32)
        case "utterance":
            if not len(x_TD):
                return np.asarray(x_TD, np.float32)
            mean_D = x_TD.mean(axis=0, dtype=np.float64).astype(np.float32)
            centred_TD = x_TD - mean_D
            std_D = np.sqrt(np.mean(np.square(centred_TD), axis=0, dtype=np.float64)).astype(np.float32)
            centred_TD /= np.maximum(std_D, LEAST_STD)
            return np.asarray(centred_TD, np.float32)
        case "global":
            assert known is not None
            return np.asarray((x_TD - known.mean) / known.std, np.float32)


def normalize_image(
    x: np.ndarray, how: Literal["none", "unit", "image", "global"], known: Statistics | None
) -> np.ndarray:
    """``uint8 [C, H, W]`` as float32."""
    scaled = np.asarray(x, np.float32)
    match how:
        case "none":
            return scaled
        case "unit":
            return scaled / 255.0
        case "image":
            scaled = scaled / 255.0
            std = max(float(scaled.std(dtype=np.float64)), 1.0 / np.sqrt(scaled.size))
            return np.asarray((scaled - scaled.mean(dtype=np.float64)) / std, np.float32)
        case "global":
            assert known is not None
            mean, std_C = known.mean[:, None, None], known.std[:, None, None]
            return np.asarray((scaled / 255.0 - mean) / std_C, np.float32)


class Moments:
    """Sums from which mean and variance follow, over any number of blocks, in double precision."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.sum = np.zeros(width)
        self.squares = np.zeros(width)

    def add(self, x_TD: np.ndarray) -> None:
        """Take in the rows of a block."""
        x = np.asarray(x_TD, np.float64)
        self.count += len(x)
        self.sum += x.sum(axis=0)
        self.squares += np.square(x).sum(axis=0)

    def statistics(self) -> Statistics:
        """Mean and standard deviation so far."""
        mean = self.sum / max(self.count, 1)
        variance = np.maximum(self.squares / max(self.count, 1) - np.square(mean), 0.0)
        return Statistics(
            mean.astype(np.float32), np.maximum(np.sqrt(variance), LEAST_STD).astype(np.float32)
        )
