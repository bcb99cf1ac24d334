"""Negative log-likelihood of the source, as the model works it out."""

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import Counted, Likelihood, Type


class NegativeLogLikelihoodConfig(LossConfig):
    """In nats an example, the sum over its dimensions: with `kl_divergence` it makes the evidence lower bound
    of Kingma & Welling (2014), "Auto-Encoding Variational Bayes", arXiv:1312.6114, equation 3.
    """

    def output(self, source: Type) -> Type:
        if not isinstance(source, Likelihood):
            raise Mismatch(
                f"`negative_log_likelihood` reads a likelihood of the source, and the model gives {source}",
                help="for labels and tokens use `cross_entropy`",
            )
        return source

    def counts(self, given: Type) -> Counted:
        return Counted("source", "examples")
