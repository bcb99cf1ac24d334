"""Beam search: the ``size`` most probable beginnings are kept at each step."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.search._limits import StepwiseSearch
from seqspec.schema.search._shallow_fusion import ShallowFusion
from seqspec.schema.types import Logits, Type
from seqspec.schema.units import NonNegative, Positive, PositiveFloat, Probability


class BeamConfig(StepwiseSearch):
    """Beam search with cached keys and values, over a whole batch at once."""

    instead: ClassVar[str | None] = "evaluate.search.size={count}"

    size: Annotated[int, Field(ge=1, le=1000)] = 5
    """Hypotheses that are kept an example."""
    nbest: Annotated[int, Field(ge=1, le=1000)] = 1
    """Answers an example that the stopping rule waits for; at most ``size``."""
    stop: Literal["exact", "after_n_finished", "best_finished"] = "exact"
    """``exact``: no live hypothesis can still win; ``after_n_finished``: ``num_finished`` are done;
    ``best_finished``: the best finished one scores above the best live one as it stands.
    """
    num_finished: Positive | None = None
    """Finished hypotheses that ``after_n_finished`` waits for; left out, ``size``."""
    length_penalty: Literal["none", "gnmt", "lingvo", "average"] = "gnmt"
    """What divides the log-probability of n ids, the end counted: 1, ((5+n)/6)^a, ((n+5)/5)^a, or n."""
    alpha: NonNegative | None = None
    """The exponent a; left out, 0.6 for ``gnmt`` (Wu et al. 2016, arXiv:1609.08144, equation 14) and 0.5 for
    ``lingvo``.
    """
    length_bonus: Annotated[float, Field(ge=-100, le=100)] = 0.0
    """What is added to the score for every id, the end counted, after the division (ESPnet's ``penalty``);
    where it is above 0, the stop ``exact`` seldom comes before the limit.
    """
    coverage_penalty: Literal["none", "gnmt", "lingvo"] = "none"
    """What is added for source states that attention has not covered: beta · sum log min(attention, 1), or
    Lingvo's ratio · beta · sum log clip(attention / ratio, 0.001, 0.5).
    """
    beta: PositiveFloat | None = None
    """Weight of the coverage penalty; left out, 0.2."""
    coverage_ratio: PositiveFloat | None = None
    """Target ids a source state that Lingvo's coverage penalty expects; left out, 1."""
    score_gap: PositiveFloat | None = None
    """Drop hypotheses whose log-probability is this far below the best of their step (Lingvo's
    ``beam_size``).
    """
    end_margin: PositiveFloat | None = None
    """Allow the end only where its logit is within this of the best (Lingvo's ``valid_eos_max_logit_delta``).
    """

    ctc_weight: Probability = 0.0
    """Share w of the CTC head in the score (1 - w) log p(attention) + w log p(CTC prefix): Watanabe et al.
    (2017), "Hybrid CTC/Attention Architecture for End-to-End Speech Recognition", section IV.
    """
    pre_beam_ratio: Annotated[float, Field(ge=1, le=1000)] | None = None
    """Symbols of a hypothesis that CTC scores, as a multiple of ``size``, the best by the other models; left
    out, 1.5 as in ESPnet.
    """
    language_model: ShallowFusion | None = None
    """A language model whose log-probabilities are added, by its weight."""

    @property
    def num_hypotheses(self) -> int:
        return self.size

    def output(self, source: Type) -> Type:
        given = super().output(source)
        if self.nbest > self.size:
            raise Mismatch(
                f"a beam of {self.size} cannot give {self.nbest} answers", at=("nbest",), help="raise `size`"
            )
        if self.num_finished is not None and self.stop != "after_n_finished":
            raise Mismatch(
                f"`num_finished` has no meaning for stopping rule `{self.stop}`", at=("num_finished",)
            )
        if self.alpha is not None and self.length_penalty not in ("gnmt", "lingvo"):
            raise Mismatch(
                f"`alpha` has no meaning for length penalty `{self.length_penalty}`", at=("alpha",)
            )
        if self.beta is not None and self.coverage_penalty == "none":
            raise Mismatch(
                "`beta` has no meaning without a coverage penalty",
                at=("beta",),
                help="set `coverage_penalty`",
            )
        if self.coverage_ratio is not None and self.coverage_penalty != "lingvo":
            raise Mismatch("only Lingvo's coverage penalty has a ratio", at=("coverage_ratio",))
        self._check_ctc(source)
        return given

    def _check_ctc(self, source: Type) -> None:
        if self.ctc_weight and not (isinstance(source, Logits) and source.ctc):
            raise Mismatch(
                "the model has no CTC head whose prefixes could be scored",
                at=("ctc_weight",),
                help="give an `encoder_decoder` of speech `outputs: {ctc: {type: linear, on: encoder}}` and "
                "a loss `ctc` on it, or take `ctc_weight` out of the search",
            )
        if self.pre_beam_ratio is not None and not self.ctc_weight:
            raise Mismatch(
                "`pre_beam_ratio` has no meaning without `ctc_weight`",
                at=("pre_beam_ratio",),
                help="set `ctc_weight`",
            )
