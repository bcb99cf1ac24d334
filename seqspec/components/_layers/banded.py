"""Attention within a band around the diagonal, in blocks: no matrix of all pairs is ever made.

Queries of a block of positions are compared with the keys of the block and of what the band reaches on either
side.  A dilated band is a plain one over every so many positions, for each remainder: a stream.
"""

# B batch, R streams, C streams of all examples (B times R), or R where examples are alike, H heads, T time,
# U time of a stream, N blocks, Q block, K keys of a block, G first positions, E width of a head

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.components._layers.attention import KeysValues, attend
from seqspec.components._layers.projections import Projected

LEAST = 32
"""Positions of a block, at least: smaller products do not pay."""


class Band(NamedTuple):
    """Which keys a query sees."""

    before: int
    after: int
    """Keys beside the query's own."""
    dilation: int = 1
    """Distance from one key to the next."""
    first: int = 0
    """First positions that every query sees as well."""
    causal: bool = False
    """Not even of the first positions is one seen that lies ahead."""


def banded(
    given: Projected,
    band: Band,
    *,
    real_BT: Tensor | None = None,
    segments_BT: Tensor | None = None,
    drop: float = 0.0,
) -> Tensor:
    """``[B, H, T, E]``.  What is not real nobody sees but itself, nor anything of another segment."""
    count, _, size, _ = given.queries.shape
    streams = min(band.dilation, size)
    queries, *memory = (_streams(part, streams) for part in given)
    block = min(max(band.before, band.after, LEAST), queries.shape[2])
    near = [_reached(part, band, block) for part in memory]
    if band.first:
        first = (whole[:, :, : band.first] for whole in given[1:])
        near = [_after_first(*parts) for parts in zip(first, near, strict=True)]
    seen = _Seen(band, size=size, streams=streams, block=block, device=queries.device)
    mask = seen.mask(real_BT, segments_BT, count=count)
    result = attend(_cut(queries, block), KeysValues(*near), mask=mask, drop=drop)
    # [B, R, N, H, Q, E] to [B, H, N, Q, R, E]: the streams are interwoven again.
    parts = result.unflatten(0, (count, streams, -1)).permute(0, 3, 2, 4, 1, 5)
    return parts.flatten(2, 4)[:, :, :size]


def _streams(x_BHTE: Tensor, count: int) -> Tensor:
    """``[B * R, H, U, E]``."""
    if count == 1:
        return x_BHTE
    padded = functional.pad(x_BHTE, (0, 0, 0, -x_BHTE.shape[2] % count))
    return padded.unflatten(2, (-1, count)).movedim(3, 1).flatten(0, 1)


def _cut(x_BHUE: Tensor, block: int) -> Tensor:
    """``[B * R * N, H, Q, E]``."""
    padded = functional.pad(x_BHUE, (0, 0, 0, -x_BHUE.shape[2] % block))
    return padded.unflatten(2, (-1, block)).transpose(1, 2).flatten(0, 1)


def _reached(x_BHUE: Tensor, band: Band, block: int) -> Tensor:
    """``[B * R * N, H, K, E]``: each block with what the band reaches on either side."""
    padded = functional.pad(x_BHUE, (0, 0, band.before, band.after + -x_BHUE.shape[2] % block))
    blocks = padded.unfold(2, band.before + block + band.after, block)
    return blocks.permute(0, 2, 1, 4, 3).flatten(0, 1)


def _after_first(first_BHGE: Tensor, near: Tensor) -> Tensor:
    """``[B * R * N, H, G + K, E]``."""
    times = near.shape[0] // first_BHGE.shape[0]
    return torch.cat([first_BHGE.repeat_interleave(times, 0), near], dim=2)


class _Seen:
    """The mask of all blocks, from what each query and key is."""

    def __init__(self, band: Band, *, size: int, streams: int, block: int, device: torch.device) -> None:
        self.band, self.size, self.streams, self.block = band, size, streams, block
        self.place_1T = torch.arange(size, device=device)[None]

    def mask(self, real_BT: Tensor | None, segments_BT: Tensor | None, *, count: int) -> Tensor:
        """``[B * R * N, 1, Q, G + K]``."""
        alike = real_BT is None and segments_BT is None
        rows = 1 if alike else count
        place_BT = self.place_1T.expand(rows, -1)
        real_BT = place_BT >= 0 if real_BT is None else real_BT
        segments_BT = torch.zeros_like(place_BT) if segments_BT is None else segments_BT
        place, segment = self._queries(place_BT, fill=self.size), self._queries(segments_BT, fill=-1)
        open_BT = real_BT & (place_BT >= self.band.first)
        seen = self._distance() & self._keys(open_BT, fill=0)[:, :, None].bool()
        seen &= segment[..., None] == self._keys(segments_BT, fill=-1)[:, :, None]
        seen |= (self._offset() == 0) & (place >= self.band.first)[..., None]
        if self.band.first:
            seen = torch.cat([self._first(place, segment, real_BT, segments_BT), seen], dim=-1)
        return seen.flatten(0, 1)[:, None].repeat(count if alike else 1, 1, 1, 1)

    def _first(self, place_CNQ: Tensor, segment_CNQ: Tensor, real_BT: Tensor, segments_BT: Tensor) -> Tensor:
        """``[C, N, Q, G]``: of the first positions, which are seen; a query among them sees itself."""
        first = min(self.band.first, self.size)
        ahead = self.place_1T[0, :first] - place_CNQ[..., None]
        real, segment = (x[:, :first].repeat_interleave(self.streams, 0) for x in (real_BT, segments_BT))
        seen = real[:, None, None] & (segment[:, None, None] == segment_CNQ[..., None])
        return (seen & (ahead <= 0) if self.band.causal else seen) | (ahead == 0)

    def _distance(self) -> Tensor:
        offset = self._offset()
        return (offset <= self.band.before) & (offset >= -self.band.after)

    def _offset(self) -> Tensor:
        """``[Q, K]``: how many keys of the stream a key lies before the query."""
        reached = self.band.before + self.block + self.band.after
        device = self.place_1T.device
        keys = torch.arange(reached, device=device) - self.band.before
        return torch.arange(self.block, device=device)[:, None] - keys

    def _queries(self, x_BT: Tensor, *, fill: int) -> Tensor:
        """``[C, N, Q]``."""
        x_CU = self._by_stream(x_BT, fill=fill)
        return functional.pad(x_CU, (0, -x_CU.shape[1] % self.block), value=fill).unflatten(
            1, (-1, self.block)
        )

    def _keys(self, x_BT: Tensor, *, fill: int) -> Tensor:
        """``[C, N, K]``."""
        x_CU = self._by_stream(x_BT.long(), fill=fill)
        behind = self.band.after + -x_CU.shape[1] % self.block
        padded = functional.pad(x_CU, (self.band.before, behind), value=fill)
        return padded.unfold(1, self.band.before + self.block + self.band.after, self.block)

    def _by_stream(self, x_BT: Tensor, *, fill: int) -> Tensor:
        """``[C, U]``."""
        padded = functional.pad(x_BT, (0, -x_BT.shape[1] % self.streams), value=fill)
        return padded.unflatten(1, (-1, self.streams)).transpose(1, 2).flatten(0, 1)
