"""Where an utterance ends while it is heard: after a silence that follows speech, or once it is too long.

Povey et al. (2011), "The Kaldi Speech Recognition Toolkit": rules 2 to 5 of ``online2/online-endpoint.h``,
without costs of final states; its rule 1, silence before anything was said, has no text to write for.
"""

# S states, V vocabulary

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from torch import Tensor

from seqspec.schema.types import PAD


@dataclass(frozen=True)
class EndRules:
    """What ends an utterance; each is left out by ``None``."""

    silence: float | None = None
    """Seconds without a symbol, after one was heard."""
    longest: float | None = None
    """Seconds of an utterance."""


class EndpointDetector:
    """Counts states and those whose most probable symbol is the blank, whatever pieces they come in."""

    def __init__(self, rules: EndRules, *, state_seconds: float) -> None:
        self.silence = _states(rules.silence, state_seconds)
        self.longest = _states(rules.longest, state_seconds)
        self.length = self.trailing = 0
        self.spoken = False

    def first_end(self, log_probs_SV: Tensor) -> int | None:
        """How many of these states belong to the utterance that ends first, and is then forgotten; ``None``
        where it goes on.
        """
        for number, symbol in enumerate(log_probs_SV.argmax(1).tolist(), start=1):
            self.length += 1
            self.trailing = self.trailing + 1 if symbol == PAD else 0
            self.spoken = self.spoken or symbol != PAD
            is_silent = self.spoken and self.silence is not None and self.trailing >= self.silence
            if is_silent or (self.longest is not None and self.length >= self.longest):
                self._begin()
                return number
        return None

    def _begin(self) -> None:
        self.length = self.trailing = 0
        self.spoken = False


def _states(seconds: float | None, state_seconds: float) -> int | None:
    """States that last as long at least."""
    return None if seconds is None else max(ceil(round(seconds / state_seconds, 6)), 1)
