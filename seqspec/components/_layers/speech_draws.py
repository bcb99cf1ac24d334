"""Random numbers of a model of speech, of each example by itself: what shares its batch, and how far it is
padded, changes none of them.
"""

# B batch, C numbers a place, D width, N tokens, T frames

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Draws(NamedTuple):
    """Random numbers of a batch, or of one example."""

    starts_B: Tensor
    """First frame of each piece."""
    latent_BTD: Tensor
    """N(0, 1), zero behind the frames."""
    duration_BCN: Tensor
    """N(0, 1), two numbers a token."""


def drawn(
    generators: Sequence[torch.Generator],
    lengths: Sequence[tuple[int, int]],
    *,
    sizes: tuple[int, int],
    dim: int,
    segment: int,
) -> Draws:
    """Of each example by its generator; ``lengths`` are its frames and tokens, ``sizes`` those of the
    batch.
    """
    frames, tokens = zip(*lengths, strict=True)
    starts = [
        torch.randint(max(0, count - segment) + 1, (), generator=generator)
        for generator, count in zip(generators, frames, strict=True)
    ]
    latent_BDT = noise(generators, frames, (dim, sizes[0]))
    return Draws(torch.stack(starts), latent_BDT.transpose(1, 2), noise(generators, tokens, (2, sizes[1])))


def noise(generators: Sequence[torch.Generator], lengths: Sequence[int], shape: tuple[int, int]) -> Tensor:
    """``[B, C, N]`` of N(0, 1), zero behind each length; drawn place by place."""
    found = torch.zeros(len(lengths), *shape)
    for row, (generator, length) in enumerate(zip(generators, lengths, strict=True)):
        found[row, :, :length] = torch.randn(length, shape[0], generator=generator).t()
    return found
