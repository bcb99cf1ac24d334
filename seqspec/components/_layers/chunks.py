"""Attention of limited reach, by chunks: what each position sees, and the state of a stream.

A position sees all of its own chunk and some positions before that chunk, so nothing behind the chunk's end
changes it: Zhang et al. (2020), "Unified Streaming and Non-streaming Two-pass End-to-end Model for Speech
Recognition" (U2), arXiv:2012.05481.  All queries of a chunk see the same keys, which is why a
stream needs no mask.
"""

# B batch, S positions, D width, H heads, K keys, E width of a head

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from seqspec.components._layers.masks import attention_mask


class Chunks(NamedTuple):
    """Positions of a chunk, and how many before it are seen: all where ``left`` is ``None``."""

    size: int
    left: int | None = None

    def mask(self, positions: int, *, device: torch.device) -> Tensor:
        """``[S, S]``, True where the query of a row sees the key of a column."""
        place_S = torch.arange(positions, device=device)
        begin_S1 = (place_S // self.size * self.size)[:, None]
        seen = place_S < begin_S1 + self.size
        return seen if self.left is None else seen & (place_S >= begin_S1 - self.left)


def chunk_mask(chunks: Chunks | None, lengths_B: Tensor, size: int) -> Tensor:
    """For ``scaled_dot_product_attention``: real keys alone, and of them what ``chunks`` lets be seen.

    Every position sees itself, so that the softmax of a padded one is a number.
    """
    real = attention_mask(lengths_B, size)
    if chunks is None:
        return real
    seen = chunks.mask(size, device=lengths_B.device)
    return (real & seen) | torch.eye(size, dtype=torch.bool, device=lengths_B.device)


def drawn(chunks: Chunks, most: int) -> Chunks | None:
    """Of a training batch: everything is seen in half of them, in the others a chunk has 1 to ``most``
    positions, each as likely, as U2 is trained.  The draw is torch's own, which the run seeds.
    """
    half, size = torch.rand(()).item() < 0.5, int(torch.randint(1, most + 1, ()))
    return None if half else Chunks(size, chunks.left)


class ChunkStream(NamedTuple):
    """What attention by chunks has to remember between two pieces of a stream."""

    waiting: Tensor
    """Positions of a chunk that is not full."""
    position: int
    """Of the first of them."""
    pasts: tuple[Any, ...]
    """What each layer has to remember."""


class Stack(Protocol):
    """Layers that work on one chunk at a time."""

    def __call__(
        self, chunk_BSD: Tensor, pasts: tuple[Any, ...], /, *, position: int
    ) -> tuple[Tensor, tuple[Any, ...]]: ...


def by_chunks(
    x_BSD: Tensor, state: ChunkStream | None, stack: Stack, *, size: int, layers: int, last: bool
) -> tuple[Tensor, ChunkStream]:
    """More positions of a stream: what ``stack`` gives for the chunks that are full by now, and for what is
    left where they are the ``last``.
    """
    waiting, position, pasts = state or ChunkStream(x_BSD[:, :0], 0, (None,) * layers)
    waiting, given = torch.cat([waiting, x_BSD], dim=1), [x_BSD[:, :0]]
    while waiting.shape[1] >= size or (last and waiting.shape[1]):
        chunk, waiting = waiting[:, :size], waiting[:, size:]
        states, pasts = stack(chunk, pasts, position=position)
        given.append(states)
        position += chunk.shape[1]
    return torch.cat(given, dim=1), ChunkStream(waiting, position, pasts)
