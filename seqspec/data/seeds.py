"""Seeds from names: every random choice of the data engine is a pure function of the run's seed and of what
it is for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def seed_of(*parts: int | str) -> int:
    """A 63-bit seed; different parts give unrelated seeds, on every machine and Python."""
    text = "\x1f".join([f"{type(part).__name__[0]}{part}" for part in parts])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def hash64(data: bytes) -> int:
    """The 64-bit fingerprint under which rows are compared and split."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def hashes64(rows: Iterable[bytes]) -> np.ndarray:
    """``hash64`` of each row, as ``uint64 [N]``."""
    import numpy as np

    digests = [hashlib.blake2b(row, digest_size=8).digest() for row in rows]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64, copy=False)


def mixed(values: np.ndarray, *, seed: int) -> np.ndarray:
    """Another 64-bit hash of 64-bit hashes: the finaliser of SplitMix64 (Steele, Lea and Flood 2014,
    OOPSLA).
    """
    import numpy as np

    x = values.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
