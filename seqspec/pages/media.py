"""Images and sound inside a page, within what a page may weigh."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from seqspec.pages.markup import Markup, escape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# T samples, C channels, H height, W width

KINDS = {".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg", ".ogg": "audio/ogg",
         ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
         ".webp": "image/webp", ".svg": "image/svg+xml"}  # fmt: skip
COLOURS = {1: 0, 2: 4, 3: 2}
"""What PNG calls so many channels: grey, grey with its opacity, colour."""
MOST_PIXELS = 160
"""Width of an image whose single pixels are shown when it is enlarged."""
PAGE_BYTES = 1_900_000
"""What all media of a page take together, in characters of the page."""


@dataclass
class Room:
    """What is left of the page for media."""

    left: int = PAGE_BYTES
    refused: int = field(default=0, init=False)
    """How many media found no room."""

    def take(self, data: bytes) -> bool:
        """Whether ``data`` still finds room."""
        size = len(data) * 4 // 3 + 200
        if size > self.left:
            self.refused += 1
            return False
        self.left -= size
        return True


def embedded(file: Path, room: Room, *, name: str) -> Markup:
    """A file that stands in the page: a player for sound, an image; a sentence where there is no room."""
    kind = KINDS.get(file.suffix.lower())
    if kind is None or not file.is_file() or file.is_symlink():
        return Markup("")
    if file.stat().st_size > room.left or not room.take(data := file.read_bytes()):
        return Markup(
            f"<p class=faint>{escape(name)}: <code>{escape(file.name)}</code>, no room in this page</p>"
        )
    return (
        audio(data, name=name, kind=kind) if kind.startswith("audio/") else image(data, name=name, kind=kind)
    )


def audio(data: bytes, *, name: str, kind: str = "audio/wav") -> Markup:
    """A player."""
    return Markup(
        f'<div><span class="label">{escape(name)}</span>'
        f'<audio controls preload="metadata" aria-label="{escape(name)}" src="{_uri(data, kind)}">'
        "</audio></div>"
    )


def image(data: bytes, *, name: str, kind: str = "image/png") -> Markup:
    """An image that keeps its pixels when it is small."""
    return Markup(f'<div><span class="label">{escape(name)}</span><br>{_img(data, kind, name)}</div>')


def overlay(below: bytes, above: bytes, *, name: str) -> Markup:
    """A mask, half transparent, over the image that it belongs to."""
    inside = "".join(_img(data, "image/png", name) for data in (below, above))
    return Markup(f'<div><span class="label">{escape(name)}</span><div class="overlay">{inside}</div></div>')


def matrix(rows: Sequence[Sequence[float]], *, name: str) -> Markup:
    """Values from 0 to 1 as a grey image (dark is 1)."""
    uri = _uri(grey_png(rows), "image/png")
    return Markup(f'<img class="matrix" src="{uri}" alt="{escape(name)}">')


def grey_png(rows: Sequence[Sequence[float]]) -> bytes:
    """Values from 0 to 1 as a PNG of one channel, dark where they are 1."""
    raw = b"".join(b"\0" + bytes(255 - round(255 * min(1.0, max(0.0, v))) for v in row) for row in rows)
    return _png(raw, width=len(rows[0]), height=len(rows), colour=0)


def png(pixels_CHW: NDArray[np.uint8]) -> bytes:
    """An image of ``COLOURS``' channels, ``[C, H, W]``, as PNG."""
    channels, height, width = pixels_CHW.shape
    if channels not in COLOURS:
        raise ValueError(f"an image has 1 to 3 channels, and this one {channels}")
    rows = pixels_CHW.transpose(1, 2, 0).reshape(height, width * channels)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    return _png(raw, width=width, height=height, colour=COLOURS[channels])


def wav(samples_T: NDArray[np.float32], *, rate: int, most_seconds: float = 12.0) -> bytes:
    """Mono samples in [-1, 1] as 16-bit WAV, cut after ``most_seconds``; more than 16 kHz is halved until it
    is less than 24 kHz.
    """
    kept = samples_T[: int(rate * most_seconds)]
    while rate >= 24_000:
        kept, rate = (kept[: len(kept) // 2 * 2].reshape(-1, 2).mean(axis=1), rate // 2)
    data = (kept.clip(-1, 1) * 32767).round().astype("<i2").tobytes()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data)
    return out.getvalue()


def _img(data: bytes, kind: str, name: str) -> str:
    small = kind == "image/png" and int.from_bytes(data[16:20]) <= MOST_PIXELS
    how = ' class="pixels"' if small else ""
    return f'<img{how} alt="{escape(name)}" src="{_uri(data, kind)}">'


def _png(raw: bytes, *, width: int, height: int, colour: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
