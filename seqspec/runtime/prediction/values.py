"""From an input to what the model reads: ids, frames or the pixels of an image."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqspec.data.corpus.images import read_image
from seqspec.data.corpus.near_names import absent
from seqspec.data.corpus.record import AudioRef
from seqspec.data.printable import show
from seqspec.data.stages.normalize import Statistics, normalize_frames, normalize_image
from seqspec.runtime.prediction.input import ImageRef
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seqspec.data.stages.parts import DataParts, TextSteps

Prepare = Callable[[Any], np.ndarray]
"""Raises ``DataError`` for an input that cannot be read."""


def text_ids(steps: TextSteps) -> Prepare:
    """The ids of a text."""
    # One by one: for a batch of texts SentencePiece starts a thread, which costs more than a sentence does.
    return lambda text: np.asarray(steps.encode(text), np.int64)


def audio_frames(parts: DataParts, statistics: Statistics | None) -> Prepare:
    """The frames of a recording, of whatever rate and number of channels."""
    reader = parts.reader("source")
    assert reader is not None
    reader = replace(reader, resample=True, mix_down=True, corpus="")
    how: Any = parts.normalize["source"]
    feature = parts.features["source"]

    def frames(ref: AudioRef | str) -> np.ndarray:
        ref = AudioRef(Path(ref)) if isinstance(ref, str) else ref
        with _seekable(ref.path) as path:
            samples = reader(ref._replace(path=path))
        return normalize_frames(np.asarray(feature(samples), np.float32), how, statistics)

    return frames


def image_pixels(parts: DataParts, shape: Image, statistics: Statistics | None) -> Prepare:
    """Images of the corpus's size; where its adapter scales, so does this."""
    how: Any = parts.normalize["source"]
    resize = _resizes(parts.config.source)

    def pixels(ref: ImageRef | str) -> np.ndarray:
        ref = ImageRef(Path(ref)) if isinstance(ref, str) else ref
        with nullcontext(ref.path) if ref.data is not None else _seekable(ref.path) as path:
            read = read_image(
                path, channels=shape.channels, height=shape.height, width=shape.width, resize=resize,
                data=ref.data,
            )  # fmt: skip
        return normalize_image(read, how, statistics)

    return pixels


def _resizes(config: Any) -> bool:
    """Whether the adapter's config, or the column that it reads images from, asks for scaling."""
    return any(getattr(one, "resize", False) for one in (config, getattr(config, "source", None)))


@contextmanager
def _seekable(path: Path) -> Iterator[Path]:
    """The file itself, or a copy of what a pipe gives: headers are read twice."""
    if "#" in path.name or path.is_file():
        yield path
        return
    if not path.exists():
        raise DataError(absent(path))
    if path.is_dir():
        raise DataError(f"`{show(path)}` is a folder")
    with tempfile.TemporaryDirectory(prefix="seqspec-predict-") as folder:
        copy = Path(folder) / "input"
        with open(path, "rb") as source, open(copy, "wb") as target:
            shutil.copyfileobj(source, target)
        yield copy
