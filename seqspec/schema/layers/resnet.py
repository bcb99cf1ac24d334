"""Sizes of residual networks, without torch."""

from __future__ import annotations

from typing import Literal

from seqspec.schema.types import Image

Depth = Literal[18, 34, 50, 101, 152]
Stem = Literal["imagenet", "cifar"]


def channels_of(depth: Depth) -> tuple[int, int, int, int]:
    """Channels of the four stages."""
    by = 4 if depth >= 50 else 1
    return 64 * by, 128 * by, 256 * by, 512 * by


def shrunk_to(source: Image, *, stride: int, channels: int) -> Image:
    """A map with one pixel for ``stride`` of the image in each direction, rounded up."""
    return Image(channels, -(-source.height // stride), -(-source.width // stride))
