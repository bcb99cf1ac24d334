"""The linear layers of self-attention by the names that full attention gives them, so that a checkpoint of
one attention starts another.
"""

# B batch, T time, D width, H heads, E width of a head

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn

from seqspec.components._layers.init import linear
from seqspec.components._layers.linear import affine_together
from seqspec.components._layers.positions import rotate


class Projected(NamedTuple):
    """``[B, H, T, E]`` each."""

    queries: Tensor
    keys: Tensor
    values: Tensor


class Projections(NamedTuple):
    """Of one width, with one bias or none."""

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    output: nn.Linear


def projections(dim: int, *, bias: bool) -> Projections:
    """Fresh ones."""
    return Projections(*(linear(dim, dim, bias=bias) for _ in Projections._fields))


class Projecting(Protocol):
    """An attention over itself, as a module that projects its input."""

    num_heads: int
    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    rotary: Any
    """Whether queries and keys are turned by their places."""


def project(module: Projecting, x_BTD: Tensor, *, start: int = 0) -> Projected:
    """By the layers of a module with ``num_heads`` and ``rotary``, whose first row stands at ``start``."""
    parts = affine_together(x_BTD, module.query, module.key, module.value)
    queries, keys, values = (split(part, module.num_heads) for part in parts)
    if module.rotary:
        queries, keys = rotate(queries, start=start), rotate(keys, start=start)
    return Projected(queries, keys, values)


def split(x_BTD: Tensor, num_heads: int) -> Tensor:
    """``[B, H, T, E]``."""
    return x_BTD.unflatten(2, (num_heads, -1)).transpose(1, 2)


def merge(x_BHTE: Tensor) -> Tensor:
    """``[B, T, D]``."""
    return x_BHTE.transpose(1, 2).flatten(2)
