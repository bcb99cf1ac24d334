"""Sizes of images that are halved or doubled stage by stage."""

from __future__ import annotations

from seqspec.schema.types import Image


def halvings(source: Image, *, least: int = 4) -> int:
    """How often height and width can be halved evenly without getting below ``least`` pixels."""
    times, height, width = 0, source.height, source.width
    while height % 2 == width % 2 == 0 and min(height, width) // 2 >= least:
        times, height, width = times + 1, height // 2, width // 2
    return times


def divides(source: Image, *, times: int) -> bool:
    """Whether height and width can be halved evenly so often."""
    return source.height % (1 << times) == source.width % (1 << times) == 0
