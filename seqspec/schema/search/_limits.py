"""What every search that writes token after token shares."""

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.search._search import SearchConfig
from seqspec.schema.types import Logits, Type
from seqspec.schema.units import Positive


class StepwiseSearch(SearchConfig):
    """How long an answer may get."""

    instead: ClassVar[str | None] = "evaluate.search={{type: beam, size: {count}}}"
    """For a search that gives fewer hypotheses than are asked for: a setting that gives ``count``."""

    max_tokens: Positive = 256
    """Longest answer, in ids."""
    max_ratio: Annotated[float, Field(gt=0, le=1000)] | None = None
    """Longest answer as a multiple of the encoder's states, to which 10 ids are added; the smaller limit
    holds.
    """

    @property
    def num_hypotheses(self) -> int:
        """The most hypotheses of an example that the search gives."""
        return 1

    def output(self, source: Type) -> Type:
        if not isinstance(source, Logits) or source.stride == 0:
            raise Mismatch(
                f"this search writes one token after another, and the model gives {source}",
                help="take `search` out: only a model that writes tokens is searched",
            )
        if not source.ends:
            raise Mismatch(
                "this search writes one token after another, and the model fills given places",
                help="take `search` out: only a model that writes tokens is searched",
            )
        if source.blank:
            raise Mismatch(
                "this search writes one token after another, and the model gives CTC frames with a blank",
                help="use `ctc_greedy` or `ctc_prefix_beam`",
            )
        return source
