"""Attention whose weights are inner products of features, so that sums over keys are kept in place of keys:
Katharopoulos et al. (2020), "Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention",
arXiv:2006.16236, sections 3.2 and 3.3.
"""

# B batch, N hypotheses, H heads, T time, C chunk, M features, E width of a head

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

CHUNK = 64
"""Positions whose pairs are compared one by one; what is before them is a sum."""
LEAST = 1e-30
"""A normaliser below this is that of a query which no key answers."""


class Features(NamedTuple):
    """Queries and keys as features ``[B, H, T, M]``, not negative, and values ``[B, H, T, E]``."""

    queries: Tensor
    keys: Tensor
    values: Tensor


class Sums(NamedTuple):
    """Of what was read: features by values ``[N, H, M, E]``, and of features alone ``[N, H, M]``."""

    products: Tensor
    keys: Tensor

    def select(self, rows_N: Tensor) -> Sums:
        """The hypotheses in ``rows_N``."""
        return Sums(self.products[rows_N], self.keys[rows_N])


def both_ways(given: Features) -> Tensor:
    """``[B, H, T, E]``: every query over all keys (equation 5)."""
    products = given.keys.transpose(-1, -2) @ given.values
    normalizer = given.queries @ given.keys.sum(2)[..., None]
    return given.queries @ products / normalizer.clamp(min=LEAST)


def causal(given: Features) -> Tensor:
    """``[B, H, T, E]``: every query over the keys up to its own (equations 9 to 12), chunk by chunk."""
    size = given.queries.shape[2]
    queries, keys, values = (_chunks(part) for part in given)
    # A column of ones beside the values sums the features alone.
    values = functional.pad(values, (0, 1), value=1.0)
    products = keys.transpose(-1, -2) @ values
    before = products.cumsum(2) - products
    within = (queries @ keys.transpose(-1, -2)).tril() @ values
    both = (queries @ before + within).flatten(2, 3)[:, :, :size]
    return both[..., :-1] / both[..., -1:].clamp(min=LEAST)


def step(given: Features, before: Sums) -> tuple[Tensor, Sums]:
    """One position, ``[N, H, 1, E]``, and the sums with it."""
    products = before.products + given.keys.transpose(-1, -2) @ given.values
    keys = before.keys + given.keys[:, :, 0]
    normalizer = given.queries @ keys[..., None]
    return given.queries @ products / normalizer.clamp(min=LEAST), Sums(products, keys)


def nothing(*, examples: int, num_heads: int, features: int, size: int, device: torch.device) -> Sums:
    """Of nothing read, in float32 whatever the precision of the run."""
    keys = torch.zeros(examples, num_heads, features, device=device)
    return Sums(keys[..., None].repeat(1, 1, 1, size), keys)


def _chunks(x_BHTM: Tensor) -> Tensor:
    """``[B, H, T / C, C, M]``."""
    padded = functional.pad(x_BHTM, (0, 0, 0, -x_BHTM.shape[2] % CHUNK))
    return padded.unflatten(2, (-1, CHUNK))
