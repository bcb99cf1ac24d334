"""BigBird in blocks; what a row sees follows from its own length, not from that of its batch."""

# B batch, T time, N blocks, C positions of a block, S blocks that a block sees, D width, H heads,
# E width of a head

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.attention import KeysValues, attend
from seqspec.components._layers.projections import merge, project, projections
from seqspec.schema.self_attention.bigbird import BigbirdConfig
from seqspec.schema.types import States


class Plan(NamedTuple):
    """Which blocks a block sees: ``[H, N, S]`` each."""

    blocks: Tensor
    open: Tensor
    """False where a block is there already, or does not exist."""


class Bigbird(nn.Module):
    """The names of the linear layers are those of full attention."""

    draw_key: Tensor

    def __init__(self, config: BigbirdConfig, source: States) -> None:
        super().__init__()
        assert config.num_heads is not None
        self.num_heads, self.rotary = config.num_heads, config.rotary
        self.dropout = config.dropout or 0.0
        self.block, self.num_random = config.block, config.num_random
        self.query, self.key, self.value, self.output = projections(source.dim, bias=bool(config.bias))
        self.register_buffer("draw_key", torch.randint(2**31, (1,)))

    def forward(self, x_BTD: Tensor, *, real_BT: Tensor | None = None, segments_BT: None = None) -> Tensor:
        """``[B, T, D]``; what is not real, after each row's own, changes nothing that is."""
        rows, size, _ = x_BTD.shape
        if real_BT is None:
            real_BT = torch.ones(rows, size, dtype=torch.bool, device=x_BTD.device)
        queries, keys, values = (self._blocks(part) for part in project(self, x_BTD))
        real_BNC = functional.pad(real_BT, (0, -size % self.block)).unflatten(1, (-1, self.block))
        last_B = (real_BT.sum(1) - 1).clamp(min=0) // self.block
        sparse = self._sparse(queries, KeysValues(keys, values), real_BNC, last_B)
        ends = self._ends(queries, KeysValues(keys, values), real_BNC, last_B)
        place_N = torch.arange(queries.shape[2], device=x_BTD.device)
        is_last = (place_N == last_B[:, None])[:, None, :, None, None]
        mixed = torch.where(is_last, ends[1], torch.where((place_N == 0)[:, None, None], ends[0], sparse))
        return self.output(merge(mixed.flatten(2, 3)[:, :, :size]))

    def plan(self, count: int) -> Plan:
        """What each head sees from each block of a row of ``count`` blocks."""
        place_N = torch.arange(count)
        near = [torch.zeros_like(place_N), torch.full_like(place_N, count - 1)]
        fixed_NS = torch.stack([*near, place_N - 1, place_N, place_N + 1], 1)
        generator = torch.Generator().manual_seed((int(self.draw_key) + count) % 2**32)
        order_HNN = torch.rand(self.num_heads, count, count, generator=generator)
        taken_NN = (fixed_NS[:, :, None] == place_N).any(1)
        chosen = order_HNN.masked_fill(taken_NN, 2.0).sort(dim=-1)
        random = chosen.indices[..., : self.num_random]
        blocks = torch.cat([fixed_NS.expand(self.num_heads, -1, -1), random], -1)
        same = (fixed_NS[:, :, None] == fixed_NS[:, None]).tril(-1).any(-1)
        once = ~same & (fixed_NS >= 0) & (fixed_NS < count)
        opened = torch.cat(
            [once.expand(self.num_heads, -1, -1), chosen.values[..., : self.num_random] < 1], -1
        )
        return Plan(blocks.clamp(0, count - 1), opened)

    def _plans(self, last_B: Tensor, size: int) -> Plan:
        """``[B, H, N, S]``, of rows of different lengths; blocks beyond a row's last see nothing."""
        made = {count: self.plan(count) for count in {1 + last for last in last_B.tolist()}}
        slots = max(one.blocks.shape[-1] for one in made.values())
        padded = {
            count: Plan(*(functional.pad(x, (0, slots - x.shape[-1], 0, size - count)) for x in one))
            for count, one in made.items()
        }
        rows = [padded[1 + last] for last in last_B.tolist()]
        return Plan(*(torch.stack(parts).to(last_B.device) for parts in zip(*rows, strict=True)))

    def _sparse(self, queries: Tensor, memory: KeysValues, real_BNC: Tensor, last_B: Tensor) -> Tensor:
        """``[B, H, N, C, E]``: every block over the blocks that it sees."""
        rows, heads, size = queries.shape[:3]
        plan = self._plans(last_B, size)
        row = torch.arange(rows, device=last_B.device)[:, None, None, None]
        head = torch.arange(heads, device=last_B.device)[:, None, None]
        seen = KeysValues(*(_by_block(x[row, head, plan.blocks].flatten(3, 4)) for x in memory))
        mask = (real_BNC[row, plan.blocks] & plan.open[..., None]).flatten(3)
        given = attend(
            _by_block(queries), seen, mask=_any_open(_by_block(mask[:, :, :, None])), drop=self._drop
        )
        return given.unflatten(0, (rows, size)).transpose(1, 2)

    def _ends(self, queries: Tensor, memory: KeysValues, real_BNC: Tensor, last_B: Tensor) -> list[Tensor]:
        """``[B, H, 1, C, E]`` of the first and the last block, which see all."""
        row = torch.arange(len(last_B), device=last_B.device)
        asked = torch.cat([queries[:, :, 0], queries[row, :, last_B]], dim=2)
        whole = KeysValues(*(x.flatten(2, 3) for x in memory))
        given = attend(asked, whole, mask=_any_open(real_BNC.flatten(1)[:, None, None]), drop=self._drop)
        return [part[:, :, None] for part in given.chunk(2, dim=2)]

    @property
    def _drop(self) -> float:
        return self.dropout if self.training else 0.0

    def _blocks(self, x_BHTE: Tensor) -> Tensor:
        """``[B, H, N, C, E]``."""
        padded = functional.pad(x_BHTE, (0, 0, 0, -x_BHTE.shape[2] % self.block))
        return padded.unflatten(2, (-1, self.block))


def _by_block(x: Tensor) -> Tensor:
    """``[B * N, H, …]`` from ``[B, H, N, …]``."""
    return x.transpose(1, 2).flatten(0, 1)


def _any_open(mask: Tensor) -> Tensor:
    """A query that may see nothing is itself padding: it sees all, so that it gives numbers."""
    return mask | ~mask.any(-1, keepdim=True)
