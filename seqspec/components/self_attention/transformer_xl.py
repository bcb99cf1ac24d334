"""Segment-level recurrence, all segments of a row at once: the memory of a layer is its own input.  The
newest inputs of a row are what is carried to the row after it.
"""

# B batch, N hypotheses, G segments, L segment, M memory, K carried, T time, D width, H heads,
# E width of a head

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.projections import merge, project, projections
from seqspec.components._layers.relative_memory import DistanceScores, seen, with_memory
from seqspec.components.lane_state import Carried
from seqspec.schema.self_attention.transformer_xl import TransformerXlConfig
from seqspec.schema.types import States


class SegmentCache(NamedTuple):
    """Keys and values of the memory and of the segment so far: ``[N, H, K, E]`` each."""

    keys: Tensor
    values: Tensor

    def select(self, rows_N: Tensor) -> SegmentCache:
        """The hypotheses in ``rows_N``."""
        return SegmentCache(self.keys[rows_N], self.values[rows_N])


class TransformerXl(nn.Module):
    """The names of the linear layers are those of full attention."""

    def __init__(self, config: TransformerXlConfig, source: States) -> None:
        super().__init__()
        assert config.num_heads is not None
        self.num_heads, self.rotary = config.num_heads, config.rotary
        self.dropout = config.dropout or 0.0
        self.segment, self.memory = config.segment, config.memory
        self.query, self.key, self.value, self.output = projections(source.dim, bias=bool(config.bias))
        self.scores = DistanceScores(source.dim, num_heads=config.num_heads)
        self.carried = Carried()

    def forward(self, x_BTD: Tensor, *, real_BT: Tensor | None = None, segments_BT: None = None) -> Tensor:
        """``[B, T, D]``; no gradient goes into a memory."""
        size = x_BTD.shape[1]
        read_BTD = self._with_past(x_BTD.detach())
        known = read_BTD.shape[1] - size
        sizes = {"segment": min(self.segment, size), "memory": self.memory, "known": known}
        own, before = project(self, x_BTD, start=known), project(self, read_BTD)
        queries = functional.pad(own.queries, (0, 0, 0, -size % sizes["segment"]))
        mixed = self.scores.segments(
            queries.unflatten(2, (-1, sizes["segment"])).transpose(1, 2),
            with_memory(before.keys, own.keys, **sizes),
            with_memory(before.values, own.values, **sizes),
            seen_GLK=seen(size, **sizes, device=x_BTD.device),
            drop=self.dropout if self.training else 0.0,
        )
        return self.output(merge(mixed.transpose(1, 2).flatten(2, 3)[:, :, :size]))

    def _with_past(self, x_BTD: Tensor) -> Tensor:
        """``[B, K + T, D]``: behind what was carried here; the newest of both is kept for the next row."""
        past_BKD = self.carried.past.get("inputs")
        read_BTD = x_BTD if past_BKD is None else torch.cat([past_BKD.to(x_BTD), x_BTD], 1)
        if self.carried.keeps:
            self.carried.kept = {"inputs": read_BTD[:, -self.memory :].clone()}
        return read_BTD

    def no_past(self, *, examples: int) -> SegmentCache:
        """Nothing read yet."""
        weight = self.key.weight
        nothing = weight.new_empty(examples, self.num_heads, 0, len(weight) // self.num_heads)
        return SegmentCache(nothing, nothing)

    def step(self, x_ND: Tensor, past: SegmentCache, *, position: int) -> tuple[Tensor, SegmentCache]:
        """One more position of each hypothesis of a decoder."""
        reach = self.memory + position % self.segment + 1
        queries, *new = project(self, x_ND[:, None], start=position)
        cache = SegmentCache(*(torch.cat(both, 2)[:, :, -reach:] for both in zip(past, new, strict=True)))
        open_11K = torch.ones(1, 1, cache.keys.shape[2], dtype=torch.bool, device=x_ND.device)
        keys, values = (part[:, None] for part in cache)
        mixed = self.scores.segments(queries[:, None], keys, values, seen_GLK=open_11K, drop=0.0)
        return self.output(merge(mixed[:, 0]))[:, 0], cache
