"""Files of clips, of one channel: NumPy arrays ``[T, H, W]`` of one clip or ``[T, N, H, W]`` of several,
``uint8`` or floats in [0, 1]; and animations.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqspec.components.adapter._numpy_file import read_array
from seqspec.data.corpus.input_files import InputFields
from seqspec.data.corpus.optional_packages import require
from seqspec.data.printable import show
from seqspec.data.regular_file import NotRegular, open_regular
from seqspec.schema.diagnostic import DataError

SUFFIXES = frozenset((".npy", ".gif"))
MOST_PIXELS = 2**28
"""Pixels of an animation."""


def clip_inputs(path: Path, *, given: int, whole: int, size: tuple[int, int]) -> Iterator[InputFields]:
    """Each clip of a file, a frame a row: ``given`` frames, or ``whole`` clips of which the first are given;
    the frames up to ``whole`` are to be predicted.

    Raises ``DataError`` for what holds no clips of so many frames of this ``size``, height and width.
    """
    clips_TNHW = _animation(path) if path.suffix.lower() == ".gif" else _array(path)
    _require_shape(clips_TNHW.shape, path, given=given, whole=whole, size=size)
    wanted = np.zeros((whole - given, size[0] * size[1]), np.float32)
    for number in range(clips_TNHW.shape[1]):
        part = f"clip {number + 1}" if clips_TNHW.shape[1] > 1 else ""
        frames = _pixels(clips_TNHW[:given, number], path).reshape(given, -1)
        yield InputFields({"source": frames, "target": wanted}, part)


def _array(path: Path) -> NDArray[np.generic]:
    array = read_array(path, dims=(3, 4), told="clips: [frames, height, width]")
    clips: NDArray[np.generic] = array if array.ndim == 4 else array[:, None]
    return clips


def _animation(path: Path) -> NDArray[np.generic]:
    image_module = require("PIL.Image", extra="images", corpus="")
    try:
        with open_regular(path) as file, image_module.open(file, formats=("GIF",)) as image:
            count = int(getattr(image, "n_frames", 1))
            if count * image.width * image.height > MOST_PIXELS:
                raise _error(f"the animation has {count:,} frames of {image.width} × {image.height}", path)
            frames, milliseconds = [], []
            for number in range(count):
                image.seek(number)
                frames.append(np.asarray(image.convert("L"), np.uint8))
                milliseconds.append(int(image.info.get("duration", 0)))
    except FileNotFoundError:
        raise _error("the file does not exist", path) from None
    except NotRegular as error:
        raise _error(str(error.strerror), path) from None
    except (OSError, SyntaxError, ValueError, EOFError, image_module.DecompressionBombError):
        raise _error("the file is no animation that can be read", path) from None
    return np.repeat(np.stack(frames), _times(milliseconds), axis=0)[:, None]


def _times(milliseconds: list[int]) -> list[int]:
    """How often each frame stands: who writes an animation has equal frames shown longer in place of two."""
    shortest = min(milliseconds)
    return [min(round(one / shortest), 100) if shortest else 1 for one in milliseconds]


def _require_shape(
    shape: tuple[int, ...], path: Path, *, given: int, whole: int, size: tuple[int, int]
) -> None:
    frames, clips, height, width = shape
    if not clips:
        raise _error("the file holds no clip", path)
    if (height, width) != size:
        raise _error(f"the frames are {height} × {width}, and the run reads {size[0]} × {size[1]}", path)
    if frames not in (given, whole):
        raise _error(
            f"the clip has {frames:,} frame{'s' * (frames != 1)}, and the run goes on from {given}",
            path,
            help=f"cut it to its last {given}, `clip[-{given}:]`; of {whole} the first {given} are read",
        )


def _pixels(frames: NDArray[np.generic], path: Path) -> NDArray[np.float32]:
    """In [0, 1]."""
    if frames.dtype == np.uint8:
        return frames.astype(np.float32) / np.float32(255)
    values = frames.astype(np.float32)
    if not np.isfinite(values).all():
        raise _error("a pixel is not finite", path)
    low, high = float(values.min()), float(values.max())
    if frames.dtype.kind != "f" or low < 0 or high > 1:
        message = f"pixels are {frames.dtype} from {low:g} to {high:g}, neither uint8 nor in [0, 1]"
        raise _error(message, path, help="save them as uint8, or divide them by their largest value")
    return values


def _error(message: str, path: Path, *, help: str | None = None) -> DataError:
    return DataError(message, file=show(path), help=help)
