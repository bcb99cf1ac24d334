"""Reading pictures: ``uint8 [channels, height, width]``, from a short list of formats, never larger than a
stated size.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from seqspec.data.corpus.optional_packages import require
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMATS = ("PNG", "JPEG", "BMP", "PPM", "GIF", "WEBP")
SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".gif", ".webp"))
MAX_PIXELS = 2**26
"""A picture that claims more is refused before its pixels are unpacked."""


def read_picture(
    path: Path,
    *,
    channels: int,
    height: int,
    width: int,
    resize: bool,
    corpus: str = "",
    data: bytes | None = None,
) -> NDArray[np.uint8]:
    """A picture in the wanted shape; palettes become colours, an alpha channel is dropped.

    ``data`` is the picture's file where it is held by another one, ``path``.

    With ``resize`` the shorter side is scaled to fit and the middle is cut out; without it another size is an
    error.
    """
    import numpy as np

    image_module = require("PIL.Image", extra="images", corpus=corpus)
    try:
        with _quietly(), image_module.open(path if data is None else BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _error(f"the picture claims {image.width} × {image.height} pixels", path, corpus)
            flat = image.convert("L" if channels == 1 else "RGB")
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        reason = (
            "the file does not exist"
            if isinstance(error, FileNotFoundError)
            else "it is damaged or of another format"
        )
        raise _error(f"the picture cannot be read: {reason}", path, corpus) from None
    if (flat.height, flat.width) != (height, width):
        if not resize:
            size = f"{flat.height} × {flat.width}, not {height} × {width}"
            raise _error(f"the picture is {size}", path, corpus, help="set `resize: true` in the adapter")
        flat = _fitted(flat, height, width)
    pixels = np.asarray(flat, dtype=np.uint8)
    return np.ascontiguousarray(pixels[None] if channels == 1 else pixels.transpose(2, 0, 1))


@contextmanager
def _quietly() -> Iterator[None]:
    """Without Pillow's warnings about sizes, which are judged here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def write_picture(path: Path, pixels: NDArray[np.uint8], *, corpus: str = "") -> None:
    """Write ``[channels, height, width]`` in the format of the name's suffix."""
    image_module = require("PIL.Image", extra="images", corpus=corpus)
    path.parent.mkdir(parents=True, exist_ok=True)
    image_module.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(path)


def _fitted(image, height: int, width: int):  # type: ignore[no-untyped-def]
    scale = max(height / image.height, width / image.width)
    larger = image.resize(
        (max(round(image.width * scale), width), max(round(image.height * scale), height)), 2
    )
    left, top = (larger.width - width) // 2, (larger.height - height) // 2
    return larger.crop((left, top, left + width, top + height))


def _error(message: str, path: Path, corpus: str, *, help: str | None = None) -> DataError:
    return DataError(message, corpus=corpus, file=show(path), help=help)
