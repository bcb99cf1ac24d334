"""Every source against every target of the batch: the right one has to be the nearest.

Henderson et al. (2017), "Efficient Natural Language Response Suggestion for Smart Reply", arXiv:1705.00652,
section 4 (multiple negatives ranking); van den Oord et al. (2018), arXiv:1807.03748 (InfoNCE); Kusupati et
al. (2022), "Matryoshka Representation Learning", arXiv:2205.13147.
"""

from typing import Literal

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import Counted, Pairs, Type
from seqspec.schema.units import Positive, PositiveFloat


class ContrastiveConfig(LossConfig):
    """Cross entropy of the right target among all targets and hard negatives of the whole batch.

    Micro-batches do not change what is compared: their vectors are worked out first, and their gradients
    after (Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    arXiv:2101.06983).
    """

    similarity: Literal["cosine", "dot"] = "cosine"
    """How near two vectors are."""
    scale: PositiveFloat = 20.0
    """What similarities are multiplied by before the softmax: one over its temperature."""
    symmetric: bool = False
    """Find the source of each target too, and take the mean of both."""
    matryoshka: list[Positive] = []
    """Widths whose first features alone have to serve as well; the losses of these and of the full width are
    averaged.
    """

    def output(self, source: Type) -> Type:
        if not isinstance(source, Pairs):
            raise Mismatch(
                f"`contrastive` compares the vectors of pairs, and the model gives {source}",
                help="use `model: {type: dual_encoder, …}`, or loss `cross_entropy`",
            )
        wide = next((at for at, dim in enumerate(self.matryoshka) if dim >= source.dim), None)
        if wide is not None:
            raise Mismatch(
                f"the vectors have {source.dim} features, so their first {self.matryoshka[wide]} are no part",
                at=("matryoshka", wide),
                help=f"name widths below {source.dim}",
            )
        return source

    def counts(self, given: Type) -> Counted:
        """One target an example."""
        return Counted("target", "examples")
