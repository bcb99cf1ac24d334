"""The most probable symbol at each state, repeats and blanks taken out: Graves et al. (2006), "Connectionist
Temporal Classification", section 3.2 (best path decoding).
"""

from typing import ClassVar

from seqspec.schema.config import Mismatch
from seqspec.schema.search._search import SearchConfig
from seqspec.schema.types import Logits, Type


class CtcGreedyConfig(SearchConfig):
    """The one most probable alignment; its score is that alignment's log-probability."""

    instead: ClassVar[str | None] = "evaluate.search={{type: ctc_prefix_beam, size: {count}}}"
    num_hypotheses: ClassVar[int] = 1

    def output(self, source: Type) -> Type:
        return require_blank(source, name="ctc_greedy")


def require_blank(source: Type, *, name: str) -> Type:
    """``source`` where it is a CTC model's; raises ``Mismatch``."""
    if not isinstance(source, Logits) or not source.blank:
        raise Mismatch(
            f"`{name}` reads CTC states with a blank, and the model gives {source}",
            help="use `greedy` or `beam` for models that write one token after another, "
            "or name a CTC output by `on`",
        )
    return source
