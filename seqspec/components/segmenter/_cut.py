"""Text cut into parts that a segmenter's library can hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_ENDS = ("\n", "。", "！", "？", "、", " ", "\u3000")


class Part(NamedTuple):
    """``text[start:end]``; ``whole`` parts are words of their own and are not shown to the library."""

    start: int
    end: int
    whole: bool = False


def parts(text: str, *, most: int, alone: str = "") -> Iterator[Part]:
    """Parts of at most ``most`` code points that cover ``text``; each code point of ``alone`` is a part by
    itself.

    A cut falls after the end of a sentence or clause where there is one in the second half of a part.  A text
    that fits is one part, so the guard changes no ordinary segmentation.
    """
    position = 0
    for index, character in enumerate(text) if any(mark in text for mark in alone) else ():
        if character in alone:
            yield from _short(text, position, index, most)
            yield Part(index, index + 1, whole=True)
            position = index + 1
    yield from _short(text, position, len(text), most)


def _short(text: str, start: int, end: int, most: int) -> Iterator[Part]:
    while end - start > most:
        cuts = (text.rfind(mark, start + most // 2, start + most) for mark in _ENDS)
        cut = next((place + 1 for place in cuts if place >= 0), start + most)
        yield Part(start, cut)
        start = cut
    if start < end:
        yield Part(start, end)
