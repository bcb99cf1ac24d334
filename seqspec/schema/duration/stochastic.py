"""Stochastic duration predictor: Kim et al. (2021), "Conditional Variational Autoencoder with Adversarial
Learning for End-to-End Text-to-Speech", arXiv:2106.06103, section 2.2.2; the defaults are its public code's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.duration._duration import require_odd, states_of
from seqspec.schema.types import Floats, Type
from seqspec.schema.units import Layers, Positive, PositiveFloat, Probability


class StochasticConfig(Config):
    """A flow over durations, so that the same words are spoken at another pace each time; trained on a lower
    bound of their likelihood, since whole numbers have no density.
    """

    kernel: Positive = 3
    """Width in tokens of the separable convolutions; odd."""
    num_layers: Layers = 3
    """Convolutions of a stack, each with a dilation that is a power of ``kernel``."""
    num_flows: Layers = 4
    """Spline couplings of the flow, and of that of the noise that makes whole numbers real."""
    num_bins: Annotated[int, Field(ge=2, le=512)] = 10
    """Pieces of a spline."""
    bound: PositiveFloat = 5.0
    """Numbers beyond it, on both sides of zero, are left as they are."""
    dropout: Probability = 0.5
    """Rate of dropout in the stacks that read the text and the durations."""

    def output(self, source: Mapping[str, Type]) -> Floats:
        states_of(source)
        require_odd(self.kernel)
        return Floats()
