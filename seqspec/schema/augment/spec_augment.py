"""SpecAugment: Park et al. (2019), "SpecAugment: A Simple Data Augmentation Method for Automatic Speech
Recognition", arXiv:1904.08779.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Type
from seqspec.schema.units import Count, Fraction

Some = Annotated[int, Field(ge=0, le=100)]


class SpecAugmentConfig(Config):
    """Warps time a little, then blanks bands of frequency and stretches of time; the defaults are the paper's
    policy LD.
    """

    warp_frames: Count = 0
    """Farthest that a random point in time is moved, in frames (the paper's W is 80); 0 leaves time alone."""
    num_bin_masks: Some = 2
    """Bands of frequency that are blanked."""
    max_bins: Count = 27
    """Widest band, in bins."""
    num_time_masks: Some = 2
    """Stretches of time that are blanked."""
    max_frames: Count = 100
    """Longest stretch, in frames."""
    max_share: Fraction = 1.0
    """Longest stretch as a share of the utterance."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Frames):
            raise Mismatch(f"SpecAugment changes frames, and gets {source}")
        bins = source.dim // source.channels
        if self.num_bin_masks and self.max_bins > bins:
            message = f"a band of up to {self.max_bins} bins is wider than the frames' {bins}"
            raise Mismatch(message, at=("max_bins",), help=f"use {bins} or fewer")
        return source
