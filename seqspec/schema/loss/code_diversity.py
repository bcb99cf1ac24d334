"""Every code of a quantiser is to be used equally often: Baevski et al. (2020), "wav2vec 2.0",
arXiv:2006.11477, section 3.2, equation 4.
"""

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import CodeUse, Counted, Poison, Type


class CodeDiversityConfig(LossConfig):
    """The share of codes that the perplexity of the mean choice leaves unused, as in the authors' code:
    (codes - perplexity) / codes over all groups, where the paper's equation has the entropy itself.

    The mean is taken over the whole batch; micro-batches do not change it.
    """

    def output(self, source: Type) -> Type:
        if not isinstance(source, CodeUse | Poison):
            raise Mismatch(
                f"`code_diversity` reads how often codes are used, and this is {source}",
                at=("on",),
                help="use model `wav2vec2_pretraining`, and `on: codes`",
            )
        return source

    def counts(self, given: Type) -> Counted:
        """One number a batch, which stands for every example."""
        return Counted("source", "examples")
