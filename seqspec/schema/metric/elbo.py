"""Evidence lower bound: Kingma & Welling (2014), "Auto-Encoding Variational Bayes", arXiv:1312.6114."""

from collections.abc import Mapping

from seqspec.schema.config import Config
from seqspec.schema.metric._latent import require_posterior
from seqspec.schema.types import Type


class ElboConfig(Config):
    """In nats an example, with `elbo_bits_per_dim` and its two parts, `reconstruction` and `kl`; from one
    sample of the posterior an example.
    """

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_posterior(source, metric="elbo")
