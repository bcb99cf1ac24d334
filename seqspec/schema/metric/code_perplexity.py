"""How evenly the codes of a table are used: van den Oord et al. (2017), arXiv:1711.00937."""

from collections.abc import Mapping

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Likelihood, Nothing, Poison, Type


class CodePerplexityConfig(Config):
    """The exponential of the entropy of codes over the split, and `codes_used`; 1 where one code says all."""

    def output(self, source: Mapping[str, Type]) -> Type:
        given = source["given"]
        if not isinstance(given, Poison) and not (isinstance(given, Likelihood) and given.latent == "codes"):
            raise Mismatch(
                f"`code_perplexity` is for models with a table of codes, and the model gives {given}",
                help="use model `vq_vae`, or another metric",
            )
        return Nothing()
