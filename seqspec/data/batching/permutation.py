"""Permutations that are never written down: where does item *i* of *n* go, in constant time and memory.

A balanced Feistel network on the next even number of bits, walked until it lands below *n*: Black and Rogaway
(2002), "Ciphers with Arbitrary Finite Domains", CT-RSA, method 2.  Rounds are keyed by SplitMix64; this
shuffles, it does not encrypt.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 6

FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""Factors of SplitMix64."""
ALL = 2**64 - 1

U = np.uint64


def permute(items: np.ndarray, sizes: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Where each of ``items`` goes in a permutation of ``0 … sizes - 1`` that ``keys`` chooses; all three
    of one shape.
    """
    bits = np.maximum(np.frexp((sizes - 1).astype(np.float64))[1], 2).astype(np.uint64)
    half = (bits + U(1)) // U(2)
    mask = (U(1) << half) - U(1)
    keys = keys.astype(np.uint64)
    sizes = sizes.astype(np.uint64)
    found = _rounds(items.astype(np.uint64), half, mask, keys)
    while len(outside := np.flatnonzero(found >= sizes)):
        found[outside] = _rounds(found[outside], half[outside], mask[outside], keys[outside])
    return found.astype(np.int64)


def permute_one(item: int, *, size: int, key: int) -> int:
    """Where one item goes: ``permute`` in plain numbers, of which one array operation costs more than all."""
    half = (max((size - 1).bit_length(), 2) + 1) // 2
    mask = (1 << half) - 1
    while True:
        left, right = item >> half, item & mask
        for number in range(ROUNDS):
            x = (right + key * (2 * number + 1) + number) & ALL
            x = (x ^ (x >> 30)) * FIRST & ALL
            x = (x ^ (x >> 27)) * SECOND & ALL
            left, right = right, left ^ ((x ^ (x >> 31)) & mask)
        item = (left << half) | right
        if item < size:
            return item


def _rounds(x: np.ndarray, half: np.ndarray, mask: np.ndarray, keys: np.ndarray) -> np.ndarray:
    left: np.ndarray = x >> half
    right: np.ndarray = x & mask
    for number in range(ROUNDS):
        left, right = right, left ^ (_mix(right + keys * U(2 * number + 1) + U(number)) & mask)
    joined: np.ndarray = (left << half) | right
    return joined


def _mix(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> U(30))) * U(FIRST)
    x = (x ^ (x >> U(27))) * U(SECOND)
    found: np.ndarray = x ^ (x >> U(31))
    return found
