"""Alignment of changes that take each code point by itself."""

from __future__ import annotations

from collections.abc import Sequence

from seqspec.data.text.aligned import Aligned


def align_lengths(text: str, changed: str, lengths: Sequence[int]) -> Aligned:
    """``changed``, where code point ``i`` of ``text`` became ``lengths[i]`` code points."""
    spans = tuple((i, i + 1) for i, length in enumerate(lengths) for _ in range(length))
    if len(spans) != len(changed):
        raise ValueError("the lengths do not add up to the changed text")
    return Aligned(changed, spans, len(text))
