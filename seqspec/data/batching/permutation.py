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

FEW = 8
"""Items of which one array operation costs more than to send them on one by one."""

U = np.uint64
# Made once: to make a number of numpy's costs as much as to add it to a short array.
ONE = U(1)
FACTORS, SHIFTS = (U(FIRST), U(SECOND)), (U(30), U(27), U(31))
ROUND_NUMBERS = tuple((U(2 * number + 1), U(number)) for number in range(ROUNDS))


def permute(items: np.ndarray, sizes: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Where each of ``items`` goes in a permutation of ``0 … sizes - 1`` that ``keys`` chooses; all three
    of one shape.
    """
    bits = np.maximum(np.frexp((sizes - 1).astype(np.float64))[1], 2).astype(np.uint64)
    half = (bits + ONE) >> ONE
    mask = (ONE << half) - ONE
    keys, limits = keys.astype(np.uint64), sizes.astype(np.uint64)
    found = _rounds(items.astype(np.uint64), half, mask, keys)
    outside = np.flatnonzero(found >= limits)
    while len(outside) > FEW:
        again = _rounds(found[outside], half[outside], mask[outside], keys[outside])
        found[outside] = again
        outside = outside[again >= limits[outside]]
    for place in outside.tolist():
        found[place] = permute_one(int(found[place]), size=int(sizes[place]), key=int(keys[place]))
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
    for factor, number in ROUND_NUMBERS:
        key = keys * factor
        key += number
        key += right
        key ^= key >> SHIFTS[0]
        key *= FACTORS[0]
        key ^= key >> SHIFTS[1]
        key *= FACTORS[1]
        key ^= key >> SHIFTS[2]
        key &= mask
        key ^= left
        left, right = right, key
    joined: np.ndarray = (left << half) | right
    return joined
