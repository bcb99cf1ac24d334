"""What a search finds."""

from __future__ import annotations

from typing import NamedTuple


class Hypothesis(NamedTuple):
    """One output of a model; searches give them best first."""

    ids: tuple[int, ...]
    """Token ids without BOS and EOS."""
    score: float
    """What hypotheses are ranked by: the log-probability after length and coverage terms."""
    log_prob: float
    """Log-probability in nats, the end symbol's included where the model has one."""
