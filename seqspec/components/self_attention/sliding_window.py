"""Sliding-window attention with dilation and global tokens."""

# B batch, N hypotheses, T time, K keys, G global tokens, D width, H heads, E width of a head

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components._layers.attention import KeysValues, attend
from seqspec.components._layers.banded import Band, banded
from seqspec.components._layers.projections import Projected, merge, project, projections, split
from seqspec.schema.self_attention.sliding_window import SlidingWindowConfig
from seqspec.schema.types import States


class WindowCache(NamedTuple):
    """Keys and values that later positions may see, of the global tokens and of the newest positions."""

    first: KeysValues
    """``[N, H, G, E]``, fewer than G at first."""
    recent: KeysValues
    """``[N, H, K, E]``: no more than the widest window reaches."""

    def select(self, rows_N: Tensor) -> WindowCache:
        """The hypotheses in ``rows_N``."""
        return WindowCache(*(KeysValues(*(x[rows_N] for x in held)) for held in self))


class SlidingWindow(nn.Module):
    """The names of the linear layers are those of full attention."""

    def __init__(self, config: SlidingWindowConfig, source: States) -> None:
        super().__init__()
        assert config.num_heads is not None
        self.num_heads, self.rotary = config.num_heads, config.rotary
        self.dropout = config.dropout or 0.0
        self.causal = source.causal
        self.before, self.after = config.sides(causal=source.causal)
        self.global_tokens = config.global_tokens
        heads = config.dilations * (config.num_heads if len(config.dilations) == 1 else 1)
        self.dilations = [(size, len(list(same))) for size, same in groupby(heads)]
        bias = bool(config.bias)
        self.query, self.key, self.value, self.output = projections(source.dim, bias=bias)
        self.apart = bool(config.global_tokens) and not source.causal
        if self.apart:
            own = projections(source.dim, bias=bias)
            self.global_query, self.global_key, self.global_value, _ = own
            for ours, theirs in zip(own[:3], (self.query, self.key, self.value), strict=True):
                ours.load_state_dict(theirs.state_dict())

    def forward(
        self, x_BTD: Tensor, *, real_BT: Tensor | None = None, segments_BT: Tensor | None = None
    ) -> Tensor:
        """``[B, T, D]``; what is not real changes nothing that is."""
        drop = self.dropout if self.training else 0.0
        given = project(self, x_BTD)
        sizes = [count for _, count in self.dilations]
        parts = [
            banded(
                Projected(*heads), self._band(dilation), real_BT=real_BT, segments_BT=segments_BT, drop=drop
            )
            for (dilation, _), heads in zip(
                self.dilations, zip(*(x.split(sizes, dim=1) for x in given), strict=True), strict=True
            )
        ]
        y_BTD = merge(torch.cat(parts, dim=1))
        if self.apart:
            global_BGD = self._globally(x_BTD, real_BT, segments_BT, drop=drop)
            y_BTD = torch.cat([global_BGD, y_BTD[:, global_BGD.shape[1] :]], dim=1)
        return self.output(y_BTD)

    def no_past(self, *, examples: int) -> WindowCache:
        """Nothing read yet."""
        weight = self.key.weight
        shape = (examples, self.num_heads, 0, len(weight) // self.num_heads)
        nothing = KeysValues(weight.new_empty(shape), weight.new_empty(shape))
        return WindowCache(nothing, nothing)

    def step(self, x_ND: Tensor, past: WindowCache, *, position: int) -> tuple[Tensor, WindowCache]:
        """One more position of each hypothesis of a decoder."""
        queries, *new = project(self, x_ND[:, None], start=position)
        cache = self._grown(past, KeysValues(*new), position)
        keys, values = (torch.cat(both, dim=2) for both in zip(*cache, strict=True))
        mask = torch.cat([self._open(cache, size, position) for size in self._each_head()])
        result = attend(queries, KeysValues(keys, values), mask=mask[None, :, None])
        return self.output(merge(result))[:, 0], cache

    def _band(self, dilation: int) -> Band:
        return Band(self.before, self.after, dilation, first=self.global_tokens, causal=self.causal)

    def _globally(
        self, x_BTD: Tensor, real_BT: Tensor | None, segments_BT: Tensor | None, *, drop: float
    ) -> Tensor:
        """``[B, G, D]``: what the global tokens see of all, before the last linear layer."""
        first_BGD = x_BTD[:, : self.global_tokens]
        queries, keys, values = (
            split(part, self.num_heads)
            for part in (self.global_query(first_BGD), self.global_key(x_BTD), self.global_value(x_BTD))
        )
        size = first_BGD.shape[1]
        own = torch.eye(size, x_BTD.shape[1], dtype=torch.bool, device=x_BTD.device)
        seen = torch.ones_like(own)[None]
        if real_BT is not None:
            seen = seen & real_BT[:, None]
        if segments_BT is not None:
            seen = seen & (segments_BT[:, :size, None] == segments_BT[:, None])
        return merge(attend(queries, KeysValues(keys, values), mask=(seen | own)[:, None], drop=drop))

    def _grown(self, past: WindowCache, new: KeysValues, position: int) -> WindowCache:
        reach = self.before * max(dilation for dilation, _ in self.dilations) + 1
        recent = KeysValues(
            *(torch.cat(both, 2)[:, :, -reach:] for both in zip(past.recent, new, strict=True))
        )
        if position >= self.global_tokens:
            return WindowCache(past.first, recent)
        first = KeysValues(*(torch.cat(both, 2) for both in zip(past.first, new, strict=True)))
        return WindowCache(first, recent)

    def _each_head(self) -> list[int]:
        return [dilation for dilation, count in self.dilations for _ in range(count)]

    def _open(self, cache: WindowCache, dilation: int, position: int) -> Tensor:
        """``[1, G + K]``: what a head sees at this position; global tokens count once."""
        first, recent = cache.first.keys, cache.recent.keys
        place_K = torch.arange(position + 1 - recent.shape[2], position + 1, device=recent.device)
        behind_K = position - place_K
        near_K = (behind_K % dilation == 0) & (behind_K <= self.before * dilation)
        near_K &= place_K >= self.global_tokens
        return torch.cat([near_K.new_ones(first.shape[2]), near_K])[None]
