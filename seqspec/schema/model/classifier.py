"""An encoder that reads the source whole, one vector made of what it gives, and a score for each class."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._embed import embed
from seqspec.schema.model._outputs import outputs_of
from seqspec.schema.slot import Slot
from seqspec.schema.types import Classes, Outputs, Poison, States, Type, Vector
from seqspec.schema.units import InferredMark

POOLED = {
    States: ("mean", "the encoder gives a state a position"),
    Vector: ("none", "the encoder gives one vector an example"),
}
"""How what an encoder gives becomes one vector, where the spec does not say."""


class ClassifierConfig(Config):
    """Learns the label of a picture, a text or a recording."""

    embedding: Annotated[Config | None, Slot("embedding")] = None
    """How source ids (or frames) become the vectors that the encoder reads; left out, ids are looked up and
    anything else stays.
    """
    encoder: Annotated[Config, Slot("encoder")]
    """Reads the source."""
    pooling: Annotated[Literal["mean", "first", "max", "none"] | None, InferredMark()] = None
    """How an example's states become one vector: their mean, the first, or the largest value of each feature;
    ``none`` where the encoder gives one vector already.  Left out, ``mean`` or ``none``.
    """
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the classes."""

    usual_metric: ClassVar[str] = "accuracy"

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``source`` and ``target`` to ``labels``, logits over the target's classes, one set an example."""
        if "target" not in source or "source" not in source:
            lacks = "source" if "target" in source else "target"
            raise Mismatch(f"a classifier reads a source and learns its label, and the corpus has no {lacks}")
        target = source["target"]
        if not isinstance(target, Classes | Poison):
            raise Mismatch(
                f"a classifier learns labels, and the target is {target}",
                help="use model `encoder_decoder` or `ctc`, or name a `label` in the adapter's target",
            )
        given = flow.node("encoder", embed(self, source["source"], flow))
        logits = flow.node("head", {"hidden": self._pool(given, flow), "target": target})
        return outputs_of(("labels", logits), self, ("encoder",))

    def _pool(self, given: Type, flow: Flow) -> Type:
        if isinstance(given, Poison):
            return given
        if not isinstance(given, States | Vector):
            raise Mismatch(f"a classifier pools states, and the encoder gives {given}", at=("encoder",))
        follows, reason = POOLED[type(given)]
        if self.pooling is None:
            flow.derive("pooling", follows, reason)
        elif (self.pooling == "none") != (follows == "none"):
            raise Mismatch(
                f"pooling `{self.pooling}` does not fit: {reason}",
                at=("pooling",),
                help=f"use `{follows}`, or leave `pooling` out",
            )
        return Vector(given.dim)
