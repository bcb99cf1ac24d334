"""Adaptive softmax: rare words share small clusters."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.head._head import HeadConfig
from seqspec.schema.types import Logits, States, Tokens, Type
from seqspec.schema.units import Positive


class AdaptiveSoftmaxConfig(HeadConfig):
    """Grave et al. (2017), "Efficient softmax approximation for GPUs", arXiv:1609.04309; ids must go from
    frequent to rare, as those of tokenizer ``words`` do.
    """

    cutoffs: Annotated[list[Positive], Field(min_length=1, max_length=32)]
    """Ids at which a new cluster begins, rising; those before the first are in the head itself."""
    shrink: Annotated[float, Field(ge=1, le=1000)] = 4.0
    """By how much each cluster's width is divided, once more for each further cluster."""
    bias: bool = False
    """Give the frequent ids and the clusters an offset of their own."""

    def output(self, source: Mapping[str, Type]) -> Logits:
        hidden, target = source["hidden"], source["target"]
        if not isinstance(hidden, States):
            raise Mismatch(f"an adaptive softmax reads hidden states, and this is {hidden}")
        if not isinstance(target, Tokens):
            raise Mismatch(f"an adaptive softmax scores a vocabulary, and the target is {target}")
        if self.cutoffs != sorted(set(self.cutoffs)):
            raise Mismatch(
                "the cutoffs do not rise", at=("cutoffs",), help=f"write {sorted(set(self.cutoffs))}"
            )
        if isinstance(target.vocab, int) and self.cutoffs[-1] >= target.vocab:
            raise Mismatch(
                f"the last cluster would begin at id {self.cutoffs[-1]} of a vocabulary of {target.vocab}",
                at=("cutoffs",),
            )
        return Logits(target.vocab, hidden.stride, factored=True)
