"""Error of the pitch, and of what is voiced."""

# T frames, P pairs of frames

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqspec.components._layers.time_warping import warping_path
from seqspec.components.metric._compared import signature
from seqspec.components.predictions import FramesPrediction
from seqspec.schema.feature.pitch import PitchConfig
from seqspec.schema.metric.mel_cepstral_distortion import compared
from seqspec.schema.metric.pitch_error import PitchErrorConfig
from seqspec.schema.types import Frames, Type, Waveform


class PitchError:
    """Squares and counts are summed over all utterances.  Where no frame is voiced on both sides the error is
    the whole range of the pitch, the largest that there can be.
    """

    reads = "frames"
    better = "lower"

    def __init__(self, config: PitchErrorConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        frames = compared(takes)
        assert isinstance(frames, Frames)
        assert frames.mel is not None
        mel = frames.mel
        self.unit, self.align = config.unit, config.align
        self.edges, self.threshold = (config.low_hz, config.high_hz), config.threshold
        found = PitchConfig(
            low_hz=config.low_hz, high_hz=config.high_hz, threshold=config.threshold,
            fft_samples=mel.fft, hop_samples=mel.hop, padding=mel.padding,  # type: ignore[arg-type]
        )  # fmt: skip
        from seqspec.components.feature.pitch import Pitch  # Other metrics do without torch.

        self.pitch = Pitch(found, Waveform(mel.rate))
        self._sums = np.zeros(4)

    def measure(self, prediction: FramesPrediction, reference: FramesPrediction | None) -> tuple[float, ...]:
        """Sum of squared errors, frames voiced on both sides, frames voiced on one, pairs of frames; no pairs
        where there is nothing to be heard.
        """
        if reference is None or prediction.sound is None or reference.sound is None:
            return 0.0, 0.0, 0.0, 0.0
        given_T, true_T = (self._hertz(one) for one in (prediction, reference))
        pairs_P2 = self._pairs(prediction.frames_TD[: len(given_T)], reference.frames_TD[: len(true_T)])
        given_P, true_P = given_T[pairs_P2[:, 0]], true_T[pairs_P2[:, 1]]
        both_P = (given_P > 0) & (true_P > 0)
        errors = self._distance(given_P[both_P], true_P[both_P])
        one_sided = float(((given_P > 0) != (true_P > 0)).sum())
        return float(np.square(errors).sum()), float(both_P.sum()), one_sided, float(len(pairs_P2))

    def update(self, *sums: float) -> None:
        self._sums += sums

    def compute(self) -> dict[str, float]:
        squares, both, one_sided, pairs = self._sums.tolist()
        widest = float(self._distance(np.array(self.edges[1]), np.array(self.edges[0])))
        error = math.sqrt(squares / both) if both else widest
        return {"pitch_error": error, "voicing_error": one_sided / max(pairs, 1.0)}

    def signature(self) -> str:
        """What decides the score."""
        low, high = self.edges
        return signature([
            ("metric", "pitch_error"), ("tracker", "yin"), ("hz", f"{low:g}-{high:g}"),
            ("threshold", f"{self.threshold:g}"), ("unit", self.unit), ("align", self.align),
            ("frames", "voiced-in-both"), ("reference", "true-frames-through-the-vocoder"),
        ])  # fmt: skip

    def _hertz(self, one: FramesPrediction) -> NDArray[np.float64]:
        """``[T]``: the pitch of each frame, 0 where it is not voiced."""
        assert one.sound is not None
        found = self.pitch(np.asarray(one.sound().samples_T, np.float32))[:, 0].double().numpy()
        kept: NDArray[np.float64] = found[: len(one.frames_TD)]
        return kept

    def _pairs(self, given_TD: NDArray[np.float32], true_TD: NDArray[np.float32]) -> NDArray[np.int64]:
        size = min(len(given_TD), len(true_TD))
        if self.align == "none" or not size:
            return np.repeat(np.arange(size)[:, None], 2, axis=1)
        given, true = given_TD.astype(np.float64), true_TD.astype(np.float64)
        squares = np.square(given).sum(1)[:, None] + np.square(true).sum(1) - 2 * given @ true.T
        return np.asarray(warping_path(np.sqrt(np.maximum(squares, 0.0))))

    def _distance(self, one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        return one - other if self.unit == "hertz" else 1200 * np.log2(one / other)
