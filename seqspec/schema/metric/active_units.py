"""Latent features that say something: Burda et al. (2016), "Importance Weighted Autoencoders",
arXiv:1509.00519, section 5.
"""

from collections.abc import Mapping

from seqspec.schema.config import Config
from seqspec.schema.metric._latent import require_posterior
from seqspec.schema.types import Type
from seqspec.schema.units import PositiveFloat


class ActiveUnitsConfig(Config):
    """How many features' posterior means vary over the split; none of a posterior that has collapsed."""

    least_variance: PositiveFloat = 0.01
    """Variance from which a feature counts."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_posterior(source, metric="active_units")
