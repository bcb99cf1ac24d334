"""Objects of JSON from anywhere: of two equal keys nobody knows which is meant."""

from __future__ import annotations

from collections import Counter
from typing import Any


class RepeatedKey(ValueError):
    """An object gives ``key`` twice."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key[:60]!r} stands twice")
        self.key = key


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of ``pairs``, as ``object_pairs_hook`` hands them over.  Raises ``RepeatedKey``."""
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise RepeatedKey(next(key for key, count in counts.items() if count > 1))
    return found
