"""Learned alignment of text and speech: Badlani et al. (2022), "One TTS Alignment To Rule Them All", ICASSP,
arXiv:2108.10447.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Counted, Frames, Integers, Type
from seqspec.schema.units import Dim, NonNegative, PositiveFloat, Real


class ForwardSumConfig(Config):
    """Distances between frames and tokens, held to one another by the sum over all monotonic alignments."""

    dim: Dim = 80
    """Width in which frames and tokens are compared."""
    temperature: PositiveFloat = 0.0005
    """What squared distances are multiplied by."""
    prior: NonNegative = 1.0
    """Width of the beta-binomial prior along the diagonal: smaller is wider, 0 is none."""
    blank: Real = -1.0
    """Score of the blank in the sum over alignments, before it is normalised."""

    def output(self, source: Mapping[str, Type]) -> Integers:
        """``tokens`` (a vector each) and ``frames`` to durations."""
        for name in ("tokens", "frames"):
            if not isinstance(source[name], Frames):
                raise Mismatch(
                    f"an aligner compares vectors of tokens with frames, and this is {source[name]}"
                )
        return Integers()

    def auxiliary(self) -> dict[str, float]:
        """The two losses that it learns from, with the weights of the paper."""
        return {"forward_sum": 1.0, "binarization": 1.0}

    auxiliary_counted: ClassVar[Counted] = Counted("target", "frames")
    """Both are sums over frames."""
