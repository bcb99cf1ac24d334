"""Images as PNG files, without any library.  ISO/IEC 15948:2004."""

# C channels, H height, W width

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from seqspec.components.predictions import ImagePrediction, MaskPrediction

GREY, COLOUR = 0, 2
"""Colour types of the format."""
PALETTE_STEPS = 8


def png(pixels_CHW: NDArray[np.uint8]) -> bytes:
    """A file of a grey or colour image."""
    channels, height, width = pixels_CHW.shape
    if channels not in (1, 3):
        raise ValueError(f"an image of {channels} channels is neither grey nor in colour")
    rows = np.ascontiguousarray(pixels_CHW.transpose(1, 2, 0)).reshape(height, width * channels)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, GREY if channels == 1 else COLOUR, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def pixels_of(value: ImagePrediction | MaskPrediction) -> NDArray[np.uint8]:
    """``[C, H, W]``: an image as it is, a mask in the colours of its classes."""
    if isinstance(value, ImagePrediction):
        return value.pixels_CHW
    classes_HW = np.clip(value.classes_HW, 0, 255)
    return np.ascontiguousarray(palette()[classes_HW].transpose(2, 0, 1))


def palette() -> NDArray[np.uint8]:
    """``[256, 3]`` colours whose neighbours differ: the bits of a class's number, spread over red, green and
    blue from the highest bit down, as in Pascal VOC's development kit.
    """
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.int64)
    for step in range(PALETTE_STEPS):
        for channel in range(3):
            colours[:, channel] |= (numbers >> channel & 1) << 7 - step
        numbers >>= 3
    return colours.astype(np.uint8)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
