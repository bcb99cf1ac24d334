"""Alignment of Unicode normalisation forms.

Text is cut where normalising the parts is normalising the whole (Unicode Standard Annex 15, section 9):
before a starter that composes with nothing before it.  A part that changes as a whole is aligned as a whole.
"""

from __future__ import annotations

from functools import cache
from typing import Literal
from unicodedata import combining, decomposition, normalize

from seqspec.data.text.aligned import Aligned

Form = Literal["NFC", "NFKC"]
_LAST_COMPOSED = 0x20000
"""Above it stand only one-to-one decompositions."""


def align_form(form: Form, text: str) -> Aligned:
    """``text`` in ``form`` with the span of each code point."""
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    for start, end in _parts(text):
        piece = normalize(form, text[start:end])
        pieces.append(piece)
        if len(piece) == end - start and all(
            normalize(form, raw) == new for raw, new in zip(text[start:end], piece, strict=True)
        ):
            spans += ((start + i, start + i + 1) for i in range(len(piece)))
        else:
            spans += ((start, end),) * len(piece)
    return Aligned("".join(pieces), tuple(spans), len(text))


def _parts(text: str) -> list[tuple[int, int]]:
    cuts = [i for i, character in enumerate(text) if not _leans_back(character)]
    starts = [0, *(cut for cut in cuts if cut > 0)] if text else []
    return list(zip(starts, [*starts[1:], len(text)], strict=False))


@cache
def _leans_back(character: str) -> bool:
    """Whether the code point can merge or change places with what stands before it."""
    if character < "\u0300":
        return False
    first = normalize("NFKD", character)[0]
    return combining(first) != 0 or first in _composing()


@cache
def _composing() -> frozenset[str]:
    """Second halves of canonical compositions, Hangul vowels and finals among them."""
    pairs = (decomposition(chr(code)).split() for code in range(0xC0, _LAST_COMPOSED))
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and not pair[0].startswith("<")}
    return frozenset(seconds | set(map(chr, range(0x1161, 0x1176))) | set(map(chr, range(0x11A8, 0x11C3))))
