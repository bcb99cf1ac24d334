"""Training as whole numbers will be: Jacob et al. (2018), "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", CVPR, arXiv:1712.05877, section 3.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.units import Count, Fraction


class Quantize(Config):
    """Linear layers and convolutions compute with weights and inputs that are rounded as an export of so many
    bits rounds them; gradients pass through the rounding as if there were none (a straight-through
    estimator), and the weights that learn stay float32.

    Weights have a scale for each output, from their largest; inputs have one scale a layer, from a moving
    average of the least and the largest of each step.  Other weights, those of LSTMs and embeddings, are not
    rounded.
    """

    bits: Annotated[int, Field(ge=2, le=8)] = 8
    """Bits of a weight and of an input."""
    start_step: Count = 0
    """Optimiser steps before anything is rounded; ranges are watched from the first."""
    range_decay: Fraction = 0.99
    """Decay of the moving averages of the least and largest input, a step at a time."""
