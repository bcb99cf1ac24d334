"""Rank correlation of the similarity of pairs with what people said of them: Spearman (1904), "The Proof and
Measurement of Association between Two Things"; of sentences, Cer et al. (2017), "SemEval-2017 Task 1".
"""

from collections.abc import Mapping

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Nothing, Pairs, Poison, Type


class SpearmanConfig(Config):
    """Compares the cosine of each pair with the corpus's number ``similarity``; equal values share the mean
    of their ranks.
    """

    def output(self, source: Mapping[str, Type]) -> Type:
        given = source["given"]
        if isinstance(given, Poison):
            return Nothing()
        if not isinstance(given, Pairs):
            raise Mismatch(
                f"`spearman` compares the vectors of pairs, and the model gives {given}",
                help="use `model: {type: dual_encoder, …}`",
            )
        if not given.graded:
            raise Mismatch(
                "`spearman` needs a number for each pair, and the corpus has no field `similarity`",
                help="name its column in the adapter, such as `fields: {similarity: {number: score}}`",
            )
        return Nothing()
