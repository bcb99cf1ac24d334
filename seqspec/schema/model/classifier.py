"""An encoder that reads the source whole, one vector made of what it gives, and a score for each class."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._embed import embed
from seqspec.schema.model._outputs import outputs_of
from seqspec.schema.model._pooling import Pooling, pooled
from seqspec.schema.slot import Slot
from seqspec.schema.types import Classes, Outputs, Poison, Type
from seqspec.schema.units import InferredMark, Later


class ClassifierConfig(Config):
    """Learns the label of an image, a text or a recording."""

    embedding: Annotated[Config | None, Slot("embedding")] = None
    """How source ids (or frames) become the vectors that the encoder reads; left out, ids are looked up and
    anything else stays.
    """
    encoder: Annotated[Config, Slot("encoder")]
    """Reads the source."""
    pooling: Annotated[Pooling | None, InferredMark()] = None
    """How an example's states become one vector: their mean, the first, or the largest value of each feature;
    ``none`` where the encoder gives one vector already.  Left out, ``mean`` or ``none``.
    """
    pooler: Annotated[Config | None, Slot("pooler"), Later] = None
    """A network that makes one vector of the states, in place of ``pooling``."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the classes."""

    usual_metric: ClassVar[str] = "accuracy"
    shares_labels: ClassVar[bool] = True
    """Its target may be a probability for each class, as long as its losses read that."""
    folder_form: ClassVar[str] = "classes"
    """What a folder in Hugging Face's layout holds of it."""

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
        hidden = self._vector(given, source["source"], flow)
        logits = flow.node("head", {"hidden": hidden, "target": target})
        return outputs_of(("labels", logits), self, ("encoder",))

    def _vector(self, states: Type, source: Type, flow: Flow) -> Type:
        if self.pooler is None:
            return pooled(self.pooling, states, flow, reader="a classifier")
        if self.pooling is not None:
            message = f"`{self.pooler.component[1]}` pools the states, so `pooling` has nothing to do"
            raise Mismatch(message, at=("pooling",), help="take one of the two out")
        return flow.node("pooler", {"hidden": states, "source": source})
