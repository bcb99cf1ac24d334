"""Importance-weighted bound: Burda et al. (2016), "Importance Weighted Autoencoders", arXiv:1509.00519."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.metric._latent import require_posterior
from seqspec.schema.types import Type


class ImportanceBoundConfig(Config):
    """A lower bound of the log-likelihood, in nats an example, that rises to it with the samples; with one
    sample it is the evidence lower bound.
    """

    samples: Annotated[int, Field(ge=1, le=100_000)] = 50
    """Samples of the posterior an example; the paper evaluates with 5,000."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_posterior(source, metric="importance_bound")
