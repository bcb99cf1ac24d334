"""Files of clips, of one channel: NumPy arrays ``[T, H, W]`` of one clip or ``[T, N, H, W]`` of several,
``uint8`` or floats in [0, 1]; animations; and folders of frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqspec.components.adapter._frame_files import FRAME_SUFFIXES, frame_files, read_frames
from seqspec.components.adapter._numpy_file import read_array
from seqspec.data.corpus.input_files import InputFields
from seqspec.data.corpus.optional_packages import require
from seqspec.data.printable import show
from seqspec.data.regular_file import NotRegular, open_regular
from seqspec.schema.diagnostic import DataError

SUFFIXES = frozenset((".npy", ".gif"))
MOST_PIXELS = 2**28
"""Pixels of an animation."""


def clip_inputs(
    path: Path, *, given: int, whole: int, size: tuple[int, int], resize: bool = False
) -> Iterator[InputFields]:
    """Each clip of a file, a frame a row: ``given`` frames, or ``whole`` clips of which the first are given;
    the frames up to ``whole`` are to be predicted.  With ``resize`` the images of a folder are scaled.

    Raises ``DataError`` for what holds no clips of so many frames of this ``size``, height and width.
    """
    if path.is_dir():
        clips_TNHW = _folder(path, given=given, whole=whole, size=size, resize=resize)
    else:
        clips_TNHW = _animation(path) if path.suffix.lower() == ".gif" else _array(path)
    _require_shape(clips_TNHW.shape, path, given=given, whole=whole, size=size)
    wanted = np.zeros((whole - given, size[0] * size[1]), np.float32)
    for number in range(clips_TNHW.shape[1]):
        part = f"clip {number + 1}" if clips_TNHW.shape[1] > 1 else ""
        frames = _pixels(clips_TNHW[:given, number], path).reshape(given, -1)
        yield InputFields({"source": frames, "target": wanted}, part)


def _folder(
    path: Path, *, given: int, whole: int, size: tuple[int, int], resize: bool
) -> NDArray[np.generic]:
    """The frames that are given, of one clip."""
    paths = frame_files(path)
    if not paths:
        raise _error(
            f"the folder holds no frames: images that end in {', '.join(sorted(FRAME_SUFFIXES))}", path
        )
    last, first = f"take all but the last {given} out of the folder", f"of {whole} the first {given} are read"
    _require_frames(len(paths), path, given=given, whole=whole, help=f"{last}; {first}")
    height, width = size
    try:
        frames_THW = read_frames(paths[:given], height=height, width=width, resize=resize)
    except DataError as error:
        raise DataError(error.message, file=error.file) from None  # The remedy is one for a spec.
    return frames_THW[:, None]


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
    cut = f"cut it to its last {given}, `clip[-{given}:]`; of {whole} the first {given} are read"
    _require_frames(frames, path, given=given, whole=whole, help=cut)


def _require_frames(count: int, path: Path, *, given: int, whole: int, help: str) -> None:
    if count not in (given, whole):
        message = f"the clip has {count:,} frame{'s' * (count != 1)}, and the run goes on from {given}"
        raise _error(message, path, help=help)


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
