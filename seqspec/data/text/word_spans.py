"""Which ids of a text make up which of its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class WordSpan(NamedTuple):
    """A word, and the half-open span of ids that it is written with."""

    word: str
    first: int
    end: int


def word_spans(ids: Sequence[int], decode: Callable[[Sequence[int]], str], *, spaced: bool) -> list[WordSpan]:
    """The words of ``decode(ids)`` in order.

    Words stand between spaces; where text is not ``spaced``, each id that writes something is one.  Ids that
    write nothing but a space belong to no word.
    """
    found: list[WordSpan] = []
    before = ""
    for place in range(len(ids)):
        text = decode(ids[: place + 1])
        words, known = text.split(), before.split()
        if words == known:
            continue
        if not spaced:
            word = "".join(words).removeprefix("".join(known))
            found.append(WordSpan(word, place, place + 1))
        elif len(words) > len(found) or not found:
            found.append(WordSpan(words[-1], place, place + 1))
        else:
            found[-1] = WordSpan(words[-1], found[-1].first, place + 1)
        before = text
    return found


def word_starts(count: int, decode: Callable[[Sequence[int]], str], *, first: int) -> list[bool]:
    """For each id below ``count``, whether it begins a new word behind another: its text there begins with a
    space, or is one.  Ids below ``first`` stand for no text.
    """
    before = next((id_ for id_ in range(first, count) if decode([id_]).strip()), None)
    if before is None:
        return [False] * count
    return [id_ >= first and _parts(before, id_, decode) for id_ in range(count)]


def _parts(before: int, id_: int, decode: Callable[[Sequence[int]], str]) -> bool:
    """Whether a space stands where ``id_`` begins: two words, or nothing until something follows."""
    alone = decode([before])
    return decode([before, id_, before]).removeprefix(alone)[:1].isspace()
