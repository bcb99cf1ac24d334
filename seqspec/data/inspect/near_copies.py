"""Near copies, found exactly: texts that share at least a given part of their runs of characters.

Texts that are alike share one of the rarest few shingles of either, so only pairs that do are compared
(prefix filtering): Chaudhuri, Ganti and Kaushik (2006), "A primitive operator for similarity joins in data
cleaning", ICDE.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np

SHINGLE = 4
"""Characters of a shingle."""
LEAST = 0.8
"""Share of shingles in common from which two texts count as near copies (Jaccard)."""
SHORTEST = 12
"""Characters below which likeness says little."""
BLOCK = 8192
"""Texts whose shingles are held at once."""


def near_copies(known: Sequence[str], asked: Sequence[str]) -> list[tuple[str, str]]:
    """Each of ``asked`` that is like one of ``known``, with the first such."""
    asked = [text for text in asked if len(text) >= SHORTEST]
    known = [text for text in known if len(text) >= SHORTEST]
    if not asked or not known:
        return []
    sets = [set(shingles.tolist()) for shingles, _ in _blocks(asked, 1)]
    places, members = _prefixes(known, sets)
    found: dict[int, str] = {}
    for start, (shingles, owner) in zip(range(0, len(known), BLOCK), _blocks(known, BLOCK), strict=True):
        place = np.minimum(np.searchsorted(places, shingles), len(places) - 1)
        hits = np.flatnonzero(places[place] == shingles)
        ends = np.searchsorted(owner, np.arange(owner[-1] + 2)).tolist()
        candidates: dict[int, set[int]] = {}
        for text, shingle in zip(owner[hits].tolist(), shingles[hits].tolist(), strict=True):
            candidates.setdefault(text, set()).update(members[shingle])
        for text, indices in candidates.items():
            own = set(shingles[ends[text] : ends[text + 1]].tolist())
            for index in indices - found.keys():
                if _alike(sets[index], own):
                    found[index] = known[start + text]
    return [(asked[index], found[index]) for index in sorted(found)]


def _prefixes(known: Sequence[str], sets: Sequence[set[int]]) -> tuple[np.ndarray, dict[int, list[int]]]:
    """For each asked text the shingles of which a near copy must hold one, the rarest among ``known``; and
    the asked texts by shingle.
    """
    values = np.array(sorted(set().union(*sets)), np.uint64)
    counts = np.zeros(len(values), np.int64)
    for shingles, _ in _blocks(known, BLOCK):
        place = np.minimum(np.searchsorted(values, shingles), len(values) - 1)
        counts += np.bincount(place[values[place] == shingles], minlength=len(values))
    members: dict[int, list[int]] = {}
    rarity = dict(zip(values.tolist(), counts.tolist(), strict=True))
    for index, own in enumerate(sets):
        # A near copy lacks at most so many of the text's shingles that it holds one of one more.
        for shingle in sorted(own, key=rarity.__getitem__)[: len(own) - ceil(LEAST * len(own)) + 1]:
            members.setdefault(shingle, []).append(index)
    return np.array(sorted(members), np.uint64), members


def _alike(one: set[int], other: set[int]) -> bool:
    if not LEAST * len(one) <= len(other) <= len(one) / LEAST:
        return False
    shared = len(one & other)
    return shared >= LEAST * (len(one) + len(other) - shared)


def _blocks(texts: Sequence[str], size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Shingles of ``size`` texts at a time, and the number of the text within the block that each is of."""
    for start in range(0, len(texts), size):
        held = texts[start : start + size]
        lengths = np.array([len(text) for text in held])
        owner = np.repeat(np.arange(len(held)), lengths)
        inside = owner[: len(owner) - SHINGLE + 1] == owner[SHINGLE - 1 :]
        yield _shingles("".join(held))[inside], owner[: len(inside)][inside]


def _shingles(text: str) -> np.ndarray:
    """Every run of ``SHINGLE`` characters as a number."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    size = len(codes) - SHINGLE + 1
    found = np.zeros(size, np.uint64)
    for place in range(SHINGLE):
        found = found * np.uint64(1_000_003) + codes[place : place + size]
    return found
