"""Reading images: ``uint8 [channels, height, width]``, from a short list of formats, never larger than a
stated size.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqspec.data.corpus.file_kinds import HEAD
from seqspec.data.corpus.lines import file_head, refuse_stand_in
from seqspec.data.corpus.near_names import near_name
from seqspec.data.corpus.optional_packages import require
from seqspec.data.printable import show
from seqspec.data.regular_file import NotRegular, open_regular
from seqspec.schema.diagnostic import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMATS = ("PNG", "JPEG", "BMP", "PPM", "GIF", "WEBP")
SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".gif", ".webp"))
OTHER_SUFFIXES = frozenset(
    (".tif", ".tiff", ".jfif", ".jpe", ".pjpeg", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".svg", ".tga",
     ".ico", ".psd", ".dng", ".raw", ".cr2", ".nef", ".dcm", ".exr", ".hdr", ".pbm", ".pnm", ".apng")
)  # fmt: skip
"""Suffixes of images that are not read: their files are counted and told."""
MAX_PIXELS = 2**26
"""An image that claims more is refused before its pixels are unpacked."""
SCALE = "set `resize: true` beside `height` and `width`, and it is scaled"


def read_image(
    path: Path,
    *,
    channels: int,
    height: int,
    width: int,
    resize: bool,
    corpus: str = "",
    data: bytes | None = None,
) -> NDArray[np.uint8]:
    """An image in the wanted shape; palettes become colours, an alpha channel is dropped, and of 16 bits the
    upper 8 are kept.  The orientation that a camera notes turns nothing: masks are of the stored pixels.

    ``data`` is the image's file where it is held by another one, ``path``.

    With ``resize`` the shorter side is scaled to fit and the middle is cut out; without it another size is an
    error.
    """
    import numpy as np

    image_module = require("PIL.Image", extra="images", corpus=corpus)
    try:
        held = open_regular(path) if data is None else BytesIO(data)
        with _quietly(), held, image_module.open(held, formats=FORMATS) as image:
            _check_size(image, height, width, resize=resize, path=path, corpus=corpus)
            flat = _eight_bits(image).convert("L" if channels == 1 else "RGB")
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise _unreadable(error, path, corpus, data=data) from None
    if (flat.height, flat.width) != (height, width):
        flat = _fitted(flat, height, width)
    pixels = np.asarray(flat, dtype=np.uint8)
    return np.ascontiguousarray(pixels[None] if channels == 1 else pixels.transpose(2, 0, 1))


def num_pixels(data: bytes) -> int:
    """Pixels of an image by its header; raises ``DataError`` for what is none.  Nothing is unpacked."""
    image_module = require("PIL.Image", extra="images", corpus="")
    try:
        with _quietly(), image_module.open(BytesIO(data), formats=FORMATS) as image:
            return int(image.width * image.height)
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise _error(
            f"the image cannot be read: {_reason(error, Path('upload'))}", Path("upload"), ""
        ) from None


def image_size(path: Path, *, corpus: str = "") -> tuple[int, int]:
    """Height and width of an image by its header; raises ``DataError`` for what is none."""
    image_module = require("PIL.Image", extra="images", corpus=corpus)
    try:
        with _quietly(), open_regular(path) as file, image_module.open(file, formats=FORMATS) as image:
            return int(image.height), int(image.width)
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise _unreadable(error, path, corpus) from None


def read_mask(
    path: Path,
    *,
    classes: int,
    height: int,
    width: int,
    resize: bool,
    data: bytes | None = None,
    corpus: str = "",
    ignore: int | None = None,
    numbers: NDArray[np.uint8] | None = None,
    beside: Path | None = None,
) -> NDArray[np.uint8]:
    """The class of each pixel, ``[1, height, width]``, of a grey or palette image of class numbers.

    With ``resize`` it is scaled and cut as the image beside it is; each pixel takes the nearest one's class.
    ``ignore`` is what stands at pixels without a class; ``numbers`` ``[256]`` turns what is in the file into
    classes; ``beside`` is the image that it must have the size of.
    """
    import numpy as np

    image_module = require("PIL.Image", extra="images", corpus=corpus)
    try:
        held = open_regular(path) if data is None else BytesIO(data)
        with _quietly(), held, image_module.open(held, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _error(f"the mask claims {image.width} × {image.height} pixels", path, corpus)
            if image.mode not in ("L", "P", "1"):
                raise _error(
                    f"the mask is in colour ({image.mode}), not grey or with a palette", path, corpus
                )
            if beside is not None:
                _check_beside(image, beside, path, corpus)
            flat = image.copy()
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise _error(f"the mask cannot be read: {_reason(error, path)}", path, corpus) from None
    if (flat.height, flat.width) != (height, width):
        if not resize:
            size = f"{flat.height} × {flat.width}, not {height} × {width}"
            raise _error(f"the mask is {size}", path, corpus, help=SCALE)
        flat = _fitted(flat, height, width, nearest=True)
    pixels = np.asarray(flat, dtype=np.uint8)
    given = pixels if numbers is None else numbers[pixels]
    strange = pixels[given >= classes] if ignore is None else pixels[(given >= classes) & (given != ignore)]
    if strange.size:
        also = "" if ignore is None else f", and {ignore} where a pixel has none"
        raise _error(
            f"the mask has the class {int(strange.max())}, and there are {classes}{also}",
            path,
            corpus,
            help=_STRANGE_CLASS if ignore is None else None,
        )
    return np.ascontiguousarray(given[None])


_STRANGE_CLASS = "raise `classes`, or let `ignore` name the number of pixels without a class"


def _check_beside(mask: Any, beside: Path, path: Path, corpus: str) -> None:
    """Refuse a mask whose image has another size."""
    image_module = require("PIL.Image", extra="images", corpus=corpus)
    with image_module.open(open_regular(beside), formats=FORMATS) as image:
        if image.size != mask.size:
            size, other = f"{mask.height} × {mask.width}", f"{image.height} × {image.width}"
            raise _error(f"the mask is {size} and its image, `{show(beside)}`, {other}", path, corpus)


def _unreadable(error: Exception, path: Path, corpus: str, *, data: bytes | None = None) -> DataError:
    """Why there is no image.  Raises ``DataError`` itself where the file stands in place of another one."""
    if not isinstance(error, FileNotFoundError | NotRegular):
        refuse_stand_in(file_head(path) if data is None else data[:HEAD], path, corpus=corpus)
    return _error(f"the image cannot be read: {_reason(error, path)}", path, corpus)


def _reason(error: Exception, path: Path) -> str:
    if isinstance(error, FileNotFoundError):
        near = near_name(path)
        return "the file does not exist" + (f"; {near}" if near else "")
    if isinstance(error, NotRegular):
        return str(error.strerror)
    empty = path.is_file() and not path.stat().st_size
    return "the file is empty" if empty else "it is damaged or of another format"


@contextmanager
def _quietly() -> Iterator[None]:
    """Without Pillow's warnings about sizes, which are checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def write_image(path: Path, pixels: NDArray[np.uint8], *, corpus: str = "") -> None:
    """Write ``[channels, height, width]`` in the format of the name's suffix."""
    image_module = require("PIL.Image", extra="images", corpus=corpus)
    path.parent.mkdir(parents=True, exist_ok=True)
    image_module.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(path)


def _check_size(image: Any, height: int, width: int, *, resize: bool, path: Path, corpus: str) -> None:
    """Refuse what is too large, by the header alone: before memory is taken for its pixels."""
    size = f"{image.width} × {image.height}"
    if image.width * image.height > MAX_PIXELS:
        raise _error(f"the image claims {size} pixels", path, corpus)
    if not resize and (image.height, image.width) != (height, width):
        message = f"the image is {image.height} × {image.width}, not {height} × {width}"
        raise _error(message, path, corpus, help=SCALE)
    if resize and prod(_scaled(image, height, width)) > MAX_PIXELS:
        raise _error(f"the image of {size} pixels is too long and narrow to be scaled", path, corpus)


def _eight_bits(image: Any) -> Any:
    """A grey image of 16 bits in 8, as Pillow reads one in colour; its conversion whitens all above 255."""
    if not image.mode.startswith("I"):
        return image
    import numpy as np

    image_module = require("PIL.Image", extra="images", corpus="")
    return image_module.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8))


def _scaled(image: Any, height: int, width: int) -> tuple[int, int]:
    """Width and height after scaling, so that the wanted shape can be cut out."""
    scale = max(height / image.height, width / image.width)
    return max(round(image.width * scale), width), max(round(image.height * scale), height)


def _fitted(image: Any, height: int, width: int, *, nearest: bool = False) -> Any:
    larger = image.resize(_scaled(image, height, width), 0 if nearest else 2)
    left, top = (larger.width - width) // 2, (larger.height - height) // 2
    return larger.crop((left, top, left + width, top + height))


def _error(message: str, path: Path, corpus: str, *, help: str | None = None) -> DataError:
    return DataError(message, corpus=corpus, file=show(path), help=help)
