"""Images as PNG files, without any library.  ISO/IEC 15948:2004."""

# C channels, H height, W width

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from seqspec.components.mask_colours import coloured
from seqspec.components.predictions import ImagePrediction, MaskPrediction

GREY, COLOUR = 0, 2
"""Colour types of the format."""


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
    return coloured(value)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
