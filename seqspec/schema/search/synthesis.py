"""How speech is drawn: Kim et al. (2021), "Conditional Variational Autoencoder with Adversarial Learning for
End-to-End Text-to-Speech", arXiv:2106.06103; the noise is that of its public code's examples.
"""

from __future__ import annotations

from seqspec.schema.config import Mismatch
from seqspec.schema.search._search import SearchConfig
from seqspec.schema.types import SampledFrames, Type
from seqspec.schema.units import NonNegative, PositiveFloat, Seed


class SynthesisConfig(SearchConfig):
    """Draws durations and frames of a model that can say a text in many ways; of the same text and seed they
    are the same.
    """

    noise_scale: NonNegative = 0.667
    """Standard deviation of the noise of frames, as a share of the prior's; 0 speaks along its means."""
    noise_scale_duration: NonNegative = 0.8
    """Standard deviation of the noise of durations; 0 makes the pace even."""
    length_scale: PositiveFloat = 1.0
    """What every duration is multiplied by: above 1 is slower."""
    seed: Seed = 0
    """Other noise of the same sizes."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, SampledFrames):
            raise Mismatch(
                f"`synthesis` draws speech of a prior, and the model gives {source}",
                help="it is for model `vits`; take `search` out for one that gives frames at once",
            )
        return source
