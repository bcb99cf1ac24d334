"""Mel-cepstral distortion: Kubichek (1993), "Mel-cepstral distance measure for objective speech quality
assessment", PacRim.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Nothing, Poison, Type
from seqspec.schema.units import Positive


class MelCepstralDistortionConfig(Config):
    """(10 / ln 10) · √2 times the mean distance of the cepstra of log-mel frames, in dB.

    Figures of other definitions (WORLD's cepstra, the zeroth coefficient counted, another order) differ by a
    factor of two and more; the signature names all of it.
    """

    order: Positive = 24
    """Cepstral coefficients that are compared: the first ``order`` after the zeroth."""
    loudness: Literal["left_out", "counted"] = "left_out"
    """Whether the zeroth coefficient, the loudness of a frame, counts too."""
    align: Literal["dtw", "none"] = "dtw"
    """Along the cheapest monotonic path, or frame by frame, what is longer on one side left out."""

    def output(self, source: Mapping[str, Type]) -> Type:
        target = compared(source)
        if not isinstance(target, Frames | Poison):
            raise Mismatch(f"`mel_cepstral_distortion` compares frames, and the target here is {target}")
        if isinstance(target, Frames) and self.order >= target.dim:
            raise Mismatch(
                f"frames of {target.dim} features have {target.dim - 1} coefficients after the zeroth",
                at=("order",),
                help=f"use at most {target.dim - 1}",
            )
        return Nothing()


def compared(source: Mapping[str, Type]) -> Type:
    """The type of the frames: what the model gives, else the target."""
    given = source.get("given")
    return given if isinstance(given, Frames) else source["target"]
