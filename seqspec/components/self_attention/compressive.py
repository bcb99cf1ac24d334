"""Compressive Transformer, all segments of a row at once.

Copies of weights and inputs are detached, never the weights themselves: keys and values go on learning.  The
task's gradient does not reach the convolution, and that of its own loss reaches nothing else (section 3.2).
What is carried to the next row is the memory's inputs and what was compressed, as it was when it was.
"""

# B batch, N hypotheses, G segments, L segment, M memory, Z compressed, K carried, T time, D width, H heads,
# E width of a head

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.attention import KeysValues, attend
from seqspec.components._layers.projections import merge, project, projections, split
from seqspec.components._layers.relative_memory import DistanceScores, seen, with_memory
from seqspec.components.lane_state import Carried
from seqspec.schema.self_attention.compressive import CompressiveConfig
from seqspec.schema.types import States


class CompressiveCache(NamedTuple):
    """What later positions may see."""

    compressed: KeysValues
    """``[N, H, Z, E]``."""
    recent: KeysValues
    """``[N, H, K, E]``: of the memory and the segment so far."""
    inputs: Tensor
    """``[N, K, D]``: what these came from, to be compressed later."""

    def select(self, rows_N: Tensor) -> CompressiveCache:
        """The hypotheses in ``rows_N``."""
        compressed, recent = (
            KeysValues(*(x[rows_N] for x in held)) for held in (self.compressed, self.recent)
        )
        return CompressiveCache(compressed, recent, self.inputs[rows_N])


class Compressive(nn.Module):
    """The names of the linear layers are those of full attention."""

    def __init__(self, config: CompressiveConfig, source: States) -> None:
        super().__init__()
        assert config.num_heads is not None
        self.num_heads, self.rotary = config.num_heads, config.rotary
        self.dropout = config.dropout or 0.0
        self.auxiliary = tuple(config.auxiliary())
        self.segment, self.memory = config.segment, config.memory
        self.slots, self.rate = config.compressed, config.rate
        self.query, self.key, self.value, self.output = projections(source.dim, bias=bool(config.bias))
        self.scores = DistanceScores(source.dim, num_heads=config.num_heads)
        self.compress = nn.Conv1d(source.dim, source.dim, config.rate, stride=config.rate)
        self.carried = Carried()

    def forward(
        self,
        x_BTD: Tensor,
        *,
        real_BT: Tensor | None = None,
        segments_BT: None = None,
        auxiliary: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """``[B, T, D]``; ``auxiliary`` takes the loss of the compression, ``[B]``, added to other layers'."""
        size = x_BTD.shape[1]
        read_BTD = _behind_past(x_BTD.detach(), self.carried.past.get("inputs"))
        known = read_BTD.shape[1] - size
        own, before = project(self, x_BTD, start=known), project(self, read_BTD)
        squeezed_BZD = self._squeezed(read_BTD)
        older_BZD = _behind_past(squeezed_BZD.detach(), self.carried.past.get("compressed"))
        if self.carried.keeps:
            self.carried.kept = self._kept(read_BTD, older_BZD)
        offset = older_BZD.shape[1] - squeezed_BZD.shape[1] + known // self.rate
        queries = functional.pad(own.queries, (0, 0, 0, -size % self.segment))
        queries = queries.unflatten(2, (-1, self.segment)).transpose(1, 2)
        memories = [
            torch.cat(
                [self._behind(squeezed, count=queries.shape[1], offset=offset), self._near(past, now, known)],
                dim=3,
            )
            for squeezed, past, now in zip(self._pair(older_BZD), before[1:], own[1:], strict=True)
        ]
        drop = self.dropout if self.training else 0.0
        open_GLK = self._open(size, x_BTD.device, known=known, offset=offset)
        mixed = self.scores.segments(queries, *memories, seen_GLK=open_GLK, drop=drop)
        if auxiliary is not None:
            found_B = self._reconstruction(queries.detach(), read_BTD, squeezed_BZD, known=known)
            auxiliary["reconstruction"] = auxiliary.get("reconstruction", 0.0) + found_B
        return self.output(merge(mixed.transpose(1, 2).flatten(2, 3)[:, :, :size]))

    def no_past(self, *, examples: int) -> CompressiveCache:
        """Nothing read yet."""
        weight = self.key.weight
        nothing = weight.new_empty(examples, self.num_heads, 0, len(weight) // self.num_heads)
        pair = KeysValues(nothing, nothing)
        return CompressiveCache(pair, pair, weight.new_empty(examples, 0, weight.shape[1]))

    def step(self, x_ND: Tensor, past: CompressiveCache, *, position: int) -> tuple[Tensor, CompressiveCache]:
        """One more position of each hypothesis of a decoder; what leaves the memory is compressed."""
        if position % self.segment == 0 and past.inputs.shape[1] > self.memory:
            past = self._moved_on(past)
        queries, *new = project(self, x_ND[:, None], start=position)
        recent = KeysValues(*(torch.cat(both, 2) for both in zip(past.recent, new, strict=True)))
        cache = CompressiveCache(past.compressed, recent, torch.cat([past.inputs, x_ND[:, None]], 1))
        keys, values = (torch.cat(both, 2)[:, None] for both in zip(*cache[:2], strict=True))
        open_11K = torch.ones(1, 1, keys.shape[3], dtype=torch.bool, device=x_ND.device)
        mixed = self.scores.segments(queries[:, None], keys, values, seen_GLK=open_11K, drop=0.0)
        return self.output(merge(mixed[:, 0]))[:, 0], cache

    def _moved_on(self, past: CompressiveCache) -> CompressiveCache:
        leaving = past.inputs.shape[1] - self.memory
        new = self._pair(self._squeezed(past.inputs[:, :leaving]))
        joined = (torch.cat(both, 2)[:, :, -self.slots :] for both in zip(past.compressed, new, strict=True))
        recent = KeysValues(*(x[:, :, leaving:] for x in past.recent))
        return CompressiveCache(KeysValues(*joined), recent, past.inputs[:, leaving:])

    def _squeezed(self, x_BTD: Tensor) -> Tensor:
        """``[B, T / rate, D]`` of the whole groups."""
        if x_BTD.shape[1] < self.rate:
            return x_BTD[:, :0]
        squeezed: Tensor = self.compress(x_BTD.transpose(1, 2)).transpose(1, 2)
        return squeezed

    def _pair(self, x_BTD: Tensor, *, learn: bool = True) -> KeysValues:
        """Keys and values; without ``learn`` from copies of the weights that get no gradient."""
        found = []
        for layer in (self.key, self.value):
            held = (layer.weight, layer.bias)
            weight, bias = held if learn else (None if x is None else x.detach() for x in held)
            found.append(split(functional.linear(x_BTD, weight, bias), self.num_heads))
        return KeysValues(*found)

    def _kept(self, read_BTD: Tensor, older_BZD: Tensor) -> dict[str, Tensor]:
        """The memory's inputs, and what is compressed of the positions before them."""
        unseen = min(self.memory, read_BTD.shape[1]) // self.rate
        compressed_BZD = older_BZD[:, : older_BZD.shape[1] - unseen][:, -self.slots :]
        return {"inputs": read_BTD[:, -self.memory :].clone(), "compressed": compressed_BZD.clone()}

    def _near(self, past_BHTE: Tensor, own_BHTE: Tensor, known: int) -> Tensor:
        return with_memory(past_BHTE, own_BHTE, segment=self.segment, memory=self.memory, known=known)

    def _behind(self, squeezed_BHZE: Tensor, *, count: int, offset: int) -> Tensor:
        """``[B, G, H, Z, E]``: the compressed positions before each segment's memory; the first ``offset``
        stand before the row.
        """
        step, reach = self.segment // self.rate, self.memory // self.rate
        padded = functional.pad(squeezed_BHZE, (0, 0, self.slots + reach - offset, 0))
        wanted = (count - 1) * step + self.slots
        padded = functional.pad(padded, (0, 0, 0, max(0, wanted - padded.shape[2])))
        return padded.unfold(2, self.slots, step)[:, :, :count].permute(0, 2, 1, 4, 3)

    def _open(self, size: int, device: torch.device, *, known: int, offset: int) -> Tensor:
        """``[G, L, Z + M + L]``."""
        near = seen(size, segment=self.segment, memory=self.memory, device=device, known=known)
        starts_G = torch.arange(len(near), device=device) * self.segment
        slot_Z = torch.arange(self.slots, device=device) - self.slots
        there_GZ = (starts_G[:, None] - self.memory) // self.rate + slot_Z >= -offset
        return torch.cat([there_GZ[:, None].expand(-1, self.segment, -1), near], dim=-1)

    def _reconstruction(self, queries: Tensor, x_BTD: Tensor, squeezed_BZD: Tensor, *, known: int) -> Tensor:
        """``[B]``: of each segment's content attention over the oldest segment of its memory, what becomes of
        it once that is compressed (algorithm 2), squared and averaged.  Of ``x_BTD`` the first ``known``
        stand before the row.
        """
        first = -(-(self.memory - known) // self.segment)
        count = (x_BTD.shape[1] - known) // self.segment - first
        if count <= 0:
            return x_BTD.new_zeros(len(x_BTD))
        begin = known + first * self.segment - self.memory
        size = count * self.segment
        old = self._pair(x_BTD[:, begin : begin + size], learn=False)
        new = self._pair(squeezed_BZD[:, begin // self.rate : (begin + size) // self.rate], learn=False)
        asked = queries[:, first : first + count].flatten(0, 1)
        before, after = (attend(asked, _by_segment(pair, count), mask=None) for pair in (old, new))
        return (before - after).square().unflatten(0, (len(x_BTD), count)).mean((1, 2, 3, 4))


def _behind_past(x_BTD: Tensor, past_BKD: Tensor | None) -> Tensor:
    """``[B, K + T, D]``."""
    return x_BTD if past_BKD is None else torch.cat([past_BKD.to(x_BTD), x_BTD], 1)


def _by_segment(pair: KeysValues, count: int) -> KeysValues:
    """``[B * G, H, …, E]``."""
    return KeysValues(*(x.unflatten(2, (count, -1)).transpose(1, 2).flatten(0, 1) for x in pair))
