"""A language model that a search listens to."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.environment import Environment
from seqspec.schema.units import Cosmetic


class ShallowFusion(Config):
    """Add a language model's log-probability of every symbol: Gulcehre et al. (2015), arXiv:1503.03535.

    Which folder it lies in is this machine's affair; the lock holds the digest of its weights.
    """

    run: Annotated[str, Field(min_length=1, max_length=4096), Environment, Cosmetic]
    """Run directory of a ``language_model`` over the same vocabulary."""
    weight: Annotated[float, Field(gt=0, le=100)]
    """What its log-probabilities are multiplied by."""
    checkpoint: Annotated[str, Field(min_length=1, max_length=100)] = "best"
    """Which of its weights: best, last, average, average:N or the name of a checkpoint."""
