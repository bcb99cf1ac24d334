"""Sampling: each token is drawn from the model's distribution, which may be cut and sharpened."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.search._limits import StepwiseSearch
from seqspec.schema.units import Count, Positive, PositiveFloat


class SampleConfig(StepwiseSearch):
    """Ancestral sampling; the cuts are applied in the order temperature, ``top_k``, ``top_p``."""

    instead: ClassVar[str | None] = "evaluate.search.num_samples={count}"

    temperature: PositiveFloat = 1.0
    """Divides the logits: below 1 likely tokens are drawn more often."""
    top_k: Positive | None = None
    """Draw among this many most probable tokens (Fan et al. 2018, arXiv:1805.04833)."""
    top_p: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Draw among the most probable tokens that together have this probability (Holtzman et al. 2020,
    arXiv:1904.09751).
    """
    num_samples: Annotated[int, Field(ge=1, le=1000)] = 1
    """Answers that are drawn for each example; they are given most probable first."""
    seed: Count = 0
    """Decides the draws, together with the example's row, so that batching changes nothing."""

    @property
    def num_hypotheses(self) -> int:
        return self.num_samples
