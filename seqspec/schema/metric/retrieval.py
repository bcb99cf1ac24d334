"""How well the vector of a source finds its target among all targets of the split."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Nothing, Pairs, Poison, Type
from seqspec.schema.units import Positive


class RetrievalConfig(Config):
    """Recall at each of ``k``, the mean reciprocal rank, and NDCG at 10 with one relevant target a source.

    Every target of the split is a candidate, so that scores of splits of different sizes do not compare.
    Of two targets that are equally near, the right one counts as the farther.
    """

    k: Annotated[list[Positive], Field(min_length=1)] = [1, 5, 10]
    """Ranks up to which the right target counts as found; the first names the score."""
    direction: Literal["source_to_target", "target_to_source"] = "source_to_target"
    """Which side asks, and which is searched."""

    def output(self, source: Mapping[str, Type]) -> Type:
        given = source["given"]
        if not isinstance(given, Pairs | Poison):
            raise Mismatch(
                f"`retrieval` compares the vectors of pairs, and the model gives {given}",
                help="use `model: {type: dual_encoder, …}`; for texts use `chrf`, for labels `accuracy`",
            )
        return Nothing()
