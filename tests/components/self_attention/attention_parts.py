"""One attention as a layer builds it, and the dense attention that it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seqspec.components._layers.projections import merge, project
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import States

WIDTH, HEADS = 16, 4
EXACT: dict[str, Any] = {"atol": 1e-6, "rtol": 1e-5}
"""Rounding in float32, sums taken in another order."""


def made(name: str, *, causal: bool = False, seed: int = 0, dim: int = WIDTH, **keys: Any) -> Any:
    catalogue = Catalogue()
    given = {"num_heads": HEADS, "bias": True, "dropout": 0.0, "rotary": False}
    known = catalogue.config("self_attention", name).model_fields
    given = {key: value for key, value in given.items() if key in known} | keys
    config = catalogue.config("self_attention", name).model_validate(given, context=catalogue)
    source = States(dim, causal=causal)
    if hasattr(config, "output"):
        config.output(source)
    torch.manual_seed(seed)
    return catalogue.module("self_attention", name)(config, source).eval()


def states(size: int, *, rows: int = 2, dim: int = WIDTH, seed: int = 1) -> Tensor:
    return torch.randn(rows, size, dim, generator=torch.Generator().manual_seed(seed))


def real(*lengths: int) -> Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


def dense(
    module: Any, x_BTD: Tensor, seen: Callable[[Tensor, Tensor], Tensor], *, real_BT: Tensor | None = None
) -> Tensor:
    """Softmax attention with the matrix of all pairs; ``seen`` of query and key positions, alike for all heads
    or ``[H, T, T]``.
    """
    queries, keys, values = project(module, x_BTD)
    place = torch.arange(x_BTD.shape[1])
    mask = seen(place[:, None], place[None, :])
    mask = mask.expand(len(x_BTD), HEADS, -1, -1)
    if real_BT is not None:
        mask = mask & real_BT[:, None, None]
    scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
    given: Tensor = module.output(merge(scores.masked_fill(~mask, -torch.inf).softmax(-1) @ values))
    return given
