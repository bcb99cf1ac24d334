"""Two sides of a pair as vectors in one space, near each other where they belong together.

Reimers & Gurevych (2019), "Sentence-BERT", arXiv:1908.10084 (one tower); Karpukhin et al. (2020), "Dense
Passage Retrieval", arXiv:2004.04906 (two towers).
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._embed import embed
from seqspec.schema.model._outputs import auxiliary_outputs
from seqspec.schema.model._pooling import Pooling, pooled
from seqspec.schema.slot import Slot
from seqspec.schema.types import Outputs, Pairs, Poison, Scalar, Type, Vector
from seqspec.schema.units import InferredMark, Positive

NEGATIVE = "negative"
"""The field that holds, for each pair, something near that does not belong to it."""

SIMILARITY = "similarity"
"""The field that holds, for each pair, a number that is larger for what is nearer, such as 0 to 5."""


class DualEncoderConfig(Config):
    """Learns embeddings from pairs; a field ``negative`` of the corpus holds hard negatives of the target."""

    embedding: Annotated[Config | None, Slot("embedding")] = None
    """How source ids (or frames) become the vectors that the encoder reads; left out, ids are looked up and
    anything else stays.
    """
    encoder: Annotated[Config, Slot("encoder")]
    """Reads the source, and the target too where there is no tower for it."""
    target_embedding: Annotated[Config | None, Slot("embedding")] = None
    """Like ``embedding`` for the tower of the target."""
    target_encoder: Annotated[Config | None, Slot("encoder")] = None
    """A tower of its own for the target; left out, both sides pass through one."""
    pooling: Annotated[Pooling | None, InferredMark()] = None
    """How an example's states become one vector; left out, ``mean``, or ``none`` where the encoder gives one
    vector already.
    """
    projection: Positive | None = None
    """Width of a linear map of the pooled vector; left out, there is none."""

    usual_metric: ClassVar[str] = "retrieval"
    folder_form: ClassVar[str] = "states"
    """What a folder in Hugging Face's layout holds of it."""

    @property
    def has_more_weights(self) -> bool:
        """Whether it has weights beside those of its parts."""
        return self.projection is not None

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``source`` and ``target`` to ``pairs``, a vector of each side."""
        for role in ("source", "target"):
            if role not in source:
                raise Mismatch(f"a dual encoder learns from pairs, and the corpus has no {role}")
        given = flow.node("encoder", embed(self, source["source"], flow))
        vector = pooled(self.pooling, given, flow, reader="a dual encoder")
        other = self._target(source, vector, flow)
        self._check_negatives(source)
        if isinstance(vector, Poison) or isinstance(other, Poison):
            return Outputs({"pairs": Poison()})
        assert isinstance(vector, Vector)
        assert isinstance(other, Vector)
        if vector.dim != other.dim and self.projection is None:
            raise Mismatch(
                f"the two towers give vectors of {vector.dim} and {other.dim}, which cannot be compared",
                at=("target_encoder",),
                help="give both encoders one width, or name a `projection` that both are mapped to",
            )
        pairs = Pairs(self.projection or vector.dim, graded=isinstance(source.get(SIMILARITY), Scalar))
        return Outputs({"pairs": pairs, **dict(auxiliary_outputs(self, ("encoder",)))})

    def _target(self, source: Mapping[str, Type], vector: Type, flow: Flow) -> Type:
        """The vector of the target, of the same tower or of its own."""
        if self.target_encoder is None:
            self._check_one_tower(source["source"], source["target"])
            return vector
        own = {"reads": ("target", "the target's tower")} if hasattr(self.target_encoder, "reads") else {}
        given = flow.node("target_encoder", embed(self, source["target"], flow, side="target_"), **own)
        return pooled(self.pooling, given, flow, reader="a dual encoder")

    def _check_one_tower(self, source: Type, target: Type) -> None:
        if self.target_embedding is not None:
            raise Mismatch(
                "one tower reads both sides, so the target has no embedding of its own",
                at=("target_embedding",),
                help="name a `target_encoder`, or take `target_embedding` out",
            )
        if not isinstance(source, Poison) and not isinstance(target, Poison) and source != target:
            raise Mismatch(
                f"one tower reads both sides, and the source is {source}, the target {target}",
                at=("encoder",),
                help="give both sides one vocabulary with `data.text.shared`, or name a `target_encoder`",
            )

    def _check_negatives(self, source: Mapping[str, Type]) -> None:
        given = source.get(NEGATIVE)
        if given is not None and not isinstance(given, Poison) and given != source["target"]:
            raise Mismatch(
                f"hard negatives are {given}, and the targets whose place they take {source['target']}",
                help=f"give field `{NEGATIVE}` the steps of the target",
            )
