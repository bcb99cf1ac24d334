"""Named sums over batches, for teacher-forced metrics.

``nll`` is in nats; ``targets`` are tokens with the end symbol, as the loss counts them; ``correct`` of them
were most probable; ``characters`` and ``bytes`` are those of the reference texts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping


class Sums:
    """Sums by name, exactly rounded, so that how batches were cut changes nothing."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._terms: dict[str, list[float]] = {name: [] for name in names}

    def add(self, sums: Mapping[str, float]) -> None:
        """Add the sums of one more batch."""
        missing = [name for name in self._terms if name not in sums]
        if missing:
            held = ", ".join(sorted(sums)) or "nothing"
            raise KeyError(f"the sums of a batch lack {', '.join(missing)}; they hold {held}")
        for name, terms in self._terms.items():
            terms.append(float(sums[name]))

    def __getitem__(self, name: str) -> float:
        return math.fsum(self._terms[name])


def exponential(value: float) -> float:
    """``exp``, infinite where it would overflow."""
    return math.exp(value) if value < 700 else math.inf
