"""Distance of the cepstra of log-mel frames, in dB."""

# T frames, D features, C coefficients

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqspec.components._layers.time_warping import warping_path
from seqspec.components.metric._compared import signature
from seqspec.components.predictions import FramesPrediction
from seqspec.schema.metric.mel_cepstral_distortion import MelCepstralDistortionConfig, compared
from seqspec.schema.types import Frames, Type


class MelCepstralDistortion:
    """The mean over utterances; beside it the mean relative error of their lengths."""

    reads = "frames"
    better = "lower"

    def __init__(
        self, config: MelCepstralDistortionConfig, takes: Mapping[str, Type], parts: Any = None
    ) -> None:
        target = compared(takes)
        assert isinstance(target, Frames)
        self.order, self.loudness, self.align = config.order, config.loudness, config.align
        self.basis_DC = _cosines(target.dim, config.order)
        mel = target.mel
        self.scale = 1.0 if mel is None else mel.deviation * (math.log(10) if mel.log == "ten" else 1.0)
        if mel is not None and mel.spectrum == "power":
            self.scale /= 2
        self._distances: list[float] = []
        self._lengths: list[float] = []

    def measure(
        self, prediction: FramesPrediction, reference: FramesPrediction | None
    ) -> tuple[float, float]:
        """Distortion and relative error of the length; neither is a number where there is no reference."""
        if reference is None or not len(reference.frames_TD) or not len(prediction.frames_TD):
            return math.nan, math.nan
        given, true = (self._cepstra(one.frames_TD) for one in (prediction, reference))
        error = abs(len(given) - len(true)) / len(true)
        return self._distortion(given, true), error

    def update(self, distortion: float, length_error: float) -> None:
        if not math.isnan(distortion):
            self._distances.append(distortion)
            self._lengths.append(length_error)

    def compute(self) -> dict[str, float]:
        count = max(len(self._distances), 1)
        return {
            "mel_cepstral_distortion": math.fsum(self._distances) / count,
            "length_error": math.fsum(self._lengths) / count,
        }

    def signature(self) -> str:
        """What decides the score."""
        return signature([
            ("metric", "mel_cepstral_distortion"), ("cepstra", "dct2-of-log-mel"), ("order", self.order),
            ("c0", self.loudness), ("align", self.align), ("silence", "kept"), ("unit", "dB"),
        ])  # fmt: skip

    def _cepstra(self, frames_TD: NDArray[np.float32]) -> NDArray[np.float64]:
        """``[T, C]`` of natural logarithms, whatever the frames were scaled by."""
        coefficients = self.scale * frames_TD.astype(np.float64) @ self.basis_DC
        first = 0 if self.loudness == "counted" else 1
        found: NDArray[np.float64] = coefficients[:, first:]
        return found

    def _distortion(self, given: NDArray[np.float64], true: NDArray[np.float64]) -> float:
        if self.align == "none":
            size = min(len(given), len(true))
            each = np.sqrt(np.square(given[:size] - true[:size]).sum(1))
        else:
            squares = np.square(given).sum(1)[:, None] + np.square(true).sum(1) - 2 * given @ true.T
            cost = np.sqrt(np.maximum(squares, 0.0))
            path = warping_path(cost)
            each = cost[path[:, 0], path[:, 1]]
        return float(10 / math.log(10) * math.sqrt(2) * each.mean())


def _cosines(dim: int, order: int) -> NDArray[np.float64]:
    """Columns 0 … order of the DCT-II over ``dim`` mel filters: the coefficients c_k of a logarithm of the
    amplitude that is Σ c_k cos(π k x), so that without a limit of order the distortion is the distance of two
    spectra in dB.
    """
    places = (np.arange(dim) + 0.5) / dim
    basis: NDArray[np.float64] = np.cos(np.pi * places[:, None] * np.arange(order + 1)) * 2 / dim
    basis[:, 0] /= 2
    return basis
