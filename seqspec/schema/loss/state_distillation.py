"""Distillation of hidden states: Romero et al. (2015), "FitNets: Hints for Thin Deep Nets", ICLR,
arXiv:1412.6550; the cosine of Sanh et al. (2019), "DistilBERT", arXiv:1910.01108.
"""

from typing import Annotated, Literal

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._taught import TaughtLossConfig
from seqspec.schema.types import Logits, States, Type, Vector
from seqspec.schema.units import Dim, InferredMark


class StateDistillationConfig(TaughtLossConfig):
    """Compares the states below the head of an output with the teacher's, a target each."""

    distance: Literal["squared", "cosine"] = "squared"
    """Mean squared difference of the features, or one minus the cosine."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model's own states."""
    teacher_dim: Dim | None = None
    """Width of the teacher's states where it is another: a learned linear map takes the model's states
    there.
    """

    @property
    def teacher_width(self) -> int | None:
        """Width that the teacher's states must have."""
        return self.teacher_dim or self.dim

    def following(self, width: Type) -> dict[str, object]:
        return {"dim": (width.dim, "the model's width")} if isinstance(width, States | Vector) else {}

    def output(self, source: Type) -> Type:
        if not isinstance(source, Logits) or source.blank or source.image:
            raise Mismatch(
                f"`state_distillation` reads the states of one target each, and the model gives {source}",
                help="name the output of tokens or labels in `on`",
            )
        return source
