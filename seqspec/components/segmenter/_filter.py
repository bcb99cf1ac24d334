"""Keeping and dropping words by part of speech."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class PartOfSpeechFilter(NamedTuple):
    """Names such as ``名詞-固有名詞`` match a word whose part of speech begins with these levels."""

    keep: tuple[tuple[str, ...], ...]
    drop: tuple[tuple[str, ...], ...]

    def passes(self, part_of_speech: Sequence[str]) -> bool:
        """Whether a word of that part of speech stays."""
        kept = not self.keep or _matches(self.keep, part_of_speech)
        return kept and not _matches(self.drop, part_of_speech)


def part_of_speech_filter(*, keep: Sequence[str], drop: Sequence[str]) -> PartOfSpeechFilter | None:
    """The filter of two lists of names; ``None`` where everything stays."""
    if not keep and not drop:
        return None
    return PartOfSpeechFilter(
        tuple(tuple(n.split("-")) for n in keep), tuple(tuple(n.split("-")) for n in drop)
    )


def _matches(names: Sequence[tuple[str, ...]], part_of_speech: Sequence[str]) -> bool:
    return any(tuple(part_of_speech[: len(name)]) == name for name in names)
