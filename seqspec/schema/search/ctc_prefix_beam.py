"""Beam search over prefixes, their alignments summed: Hannun et al. (2014), "First-Pass Large Vocabulary
Continuous Speech Recognition using Bi-Directional Recurrent DNNs", arXiv:1408.2873.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.search._ngram import NgramFusion
from seqspec.schema.search._search import SearchConfig
from seqspec.schema.search._shallow_fusion import ShallowFusion
from seqspec.schema.search.ctc_greedy import require_blank
from seqspec.schema.types import Type
from seqspec.schema.units import Later, Positive, PositiveFloat


class CtcPrefixBeamConfig(SearchConfig):
    """The most probable outputs, each with the sum of its alignments as far as the beam has kept them."""

    instead: ClassVar[str | None] = "evaluate.search.size={count}"

    size: Annotated[int, Field(ge=1, le=1000)] = 8
    """Prefixes that are kept at each state."""
    symbol_gap: PositiveFloat | None = 10.0
    """Leave out symbols whose log-probability is this far below the best at a state; none considers all."""

    max_symbols: Positive | None = 32
    """Most symbols that are considered at a state; none considers all within the gap."""

    language_model: Annotated[ShallowFusion | None, Later] = None
    """A run whose log-probabilities of every symbol are added, by its weight."""
    ngram: Annotated[NgramFusion | None, Later] = None
    """An n-gram model in ARPA form whose log-probabilities are added, by its weight."""
    length_bonus: Annotated[float, Field(ge=-100, le=100), Later] = 0.0
    """What is added to the score for every symbol: language models make long outputs less probable."""

    @property
    def num_hypotheses(self) -> int:
        """The most hypotheses of an example that the search gives."""
        return self.size

    def output(self, source: Type) -> Type:
        if self.language_model is not None and self.ngram is not None:
            raise Mismatch(
                "the search listens to one language model, and `language_model` and `ngram` name two",
                at=("ngram",),
                help="take one of the two out",
            )
        return require_blank(source, name="ctc_prefix_beam")
