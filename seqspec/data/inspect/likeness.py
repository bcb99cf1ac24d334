"""Near copies by MinHash: Broder (1997), "On the resemblance and containment of documents", SEQUENCES."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqspec.data.seeds import mixed

SHINGLE = 4
"""Characters of a shingle."""
HASHES, BAND = 24, 3
LEAST = 0.8
"""Share of shingles in common from which two texts count as near copies."""
SHORTEST = 12
"""Characters below which likeness says little."""


def near_copies(known: Sequence[str], asked: Sequence[str]) -> list[tuple[str, str]]:
    """Each of ``asked`` that is like one of ``known``, with that one."""
    asked = [text for text in asked if len(text) >= SHORTEST]
    if not asked:
        return []
    wanted: dict[int, list[int]] = {}
    for index, text in enumerate(asked):
        for band in _bands(text):
            wanted.setdefault(band, []).append(index)
    found: dict[int, str] = {}
    for text in known:
        if len(text) < SHORTEST:
            continue
        for band in _bands(text):
            for index in wanted.get(band, ()):
                if index not in found and resemblance(text, asked[index]) >= LEAST:
                    found[index] = text
    return [(asked[index], found[index]) for index in sorted(found)]


def resemblance(one: str, other: str) -> float:
    """Shingles in common over all shingles."""
    a, b = set(_shingles(one).tolist()), set(_shingles(other).tolist())
    return len(a & b) / max(len(a | b), 1)


def _shingles(text: str) -> np.ndarray:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(codes, min(SHINGLE, len(codes)))
    powers = np.uint64(1_000_003) ** np.arange(windows.shape[1], dtype=np.uint64)
    found: np.ndarray = (windows * powers).sum(axis=1, dtype=np.uint64)
    return found


def _bands(text: str) -> list[int]:
    shingles = _shingles(text)
    keys = np.arange(1, HASHES + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    least = mixed(shingles[:, None] ^ keys, seed=0).min(axis=0).reshape(-1, BAND)
    joint = mixed(least[:, 0] + least[:, 1] * np.uint64(3) + least[:, 2] * np.uint64(7), seed=1)
    return [(int(value) & ~31) | number for number, value in enumerate(joint.tolist())]
