"""Named sums over batches, for teacher-forced metrics.

``nll`` is in nats; ``targets`` are tokens with the end symbol, as the loss counts them; ``correct`` of them were most probable;
``characters`` and ``bytes`` are those of the reference texts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping


class Sums:
    """Sums by name, exact in the order of adding (``math.fsum`` over what was given)."""

    def __init__(self, names: tuple[str, ...], values: Mapping[str, tuple[float, ...]] | None = None) -> None:
        self._names = names
        self._values = dict(values) if values is not None else {name: () for name in names}

    def plus(self, sums: Mapping[str, float]) -> Sums:
        """These sums and those of one more batch."""
        missing = [name for name in self._names if name not in sums]
        if missing:
            raise KeyError(
                f"the sums of a batch lack {', '.join(missing)}; they hold {', '.join(sorted(sums)) or 'nothing'}"
            )
        return Sums(self._names, {name: (*self._values[name], float(sums[name])) for name in self._names})

    def __getitem__(self, name: str) -> float:
        return math.fsum(self._values[name])


def exponential(value: float) -> float:
    """``exp``, infinite where it would overflow."""
    return math.exp(value) if value < 700 else math.inf
