"""Divergence of the posterior from the prior: Kingma & Welling (2014), "Auto-Encoding Variational Bayes",
arXiv:1312.6114, appendix B; with free bits after Kingma et al. (2016), "Improving Variational Inference with
Inverse Autoregressive Flow", arXiv:1606.04934, equation 15.
"""

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import Counted, Gaussian, Type
from seqspec.schema.units import NonNegative


class KlDivergenceConfig(LossConfig):
    """In nats an example, the sum over the latent features; ``weight`` is β (Higgins et al. 2017,
    "beta-VAE"), and a schedule anneals it.
    """

    free_bits: NonNegative = 0.0
    """Nats of each latent feature, as a mean over the batch, that cost nothing."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Gaussian):
            raise Mismatch(
                f"`kl_divergence` reads a posterior, and the model gives {source}",
                at=("on",),
                help="use model `vae`, and write `on: posterior`",
            )
        return source

    def counts(self, given: Type) -> Counted:
        return Counted("source", "examples")
