"""Predicted values as files of their kind: sound as WAV, images and masks as PNG, points as lines of
numbers and as a drawing, frames and vectors as ``.npy``, films as GIF and their new frames as ``.npy``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqspec.components.predictions import (
    AudioPrediction,
    FramesPrediction,
    ImagePrediction,
    MaskPrediction,
    PointsPrediction,
    Predicted,
    VectorPrediction,
    VideoPrediction,
)
from seqspec.pages.point_clouds import cloud_svg
from seqspec.schema.diagnostic import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALUES = (
    AudioPrediction, FramesPrediction, ImagePrediction, MaskPrediction, PointsPrediction, VectorPrediction,
    VideoPrediction,
)  # fmt: skip
"""Kinds of predictions that are written to files."""


def write_value(value: Predicted, stem: Path) -> list[Path]:
    """Write a value beside ``stem``, the file to open first; the folder must be there.  Texts and labels have
    no files.
    """
    match value:
        case AudioPrediction():
            return [_write_wave(value, stem)]
        case FramesPrediction():
            heard = [] if value.sound is None else [_write_wave(value.sound(), stem)]
            return [*heard, _write_array(value.frames_TD, stem)]
        case ImagePrediction():
            return [_write_image(value.pixels_CHW, stem)]
        case MaskPrediction():
            return [_write_image(np.asarray(value.classes_HW, np.uint8)[None], stem)]
        case PointsPrediction():
            return [_write_points(value, stem), _draw_points(value, stem)]
        case VideoPrediction():
            return [_write_video(value, stem), _write_array(value.frames_THW, stem)]
        case VectorPrediction():
            return [_write_array(value.values_D, stem)]
    return []


def _write_wave(value: AudioPrediction, stem: Path) -> Path:
    """16 bits a sample."""
    import soundfile

    path = _named(stem, ".wav")
    soundfile.write(path, np.clip(value.samples_T, -1, 1), value.rate, subtype="PCM_16")
    return path


def _write_array(values: NDArray[np.float32], stem: Path) -> Path:
    path = _named(stem, ".npy")
    np.save(path, values)
    return path


def _write_points(value: PointsPrediction, stem: Path) -> Path:
    """A line a point: its numbers, then its class."""
    path = _named(stem, ".txt")
    rows = zip(value.points_NC.tolist(), value.classes_N.tolist(), strict=True)
    path.write_text("".join(" ".join([*(f"{x:.6f}" for x in row), str(kind)]) + "\n" for row, kind in rows))
    return path


def _draw_points(value: PointsPrediction, stem: Path) -> Path:
    path = _named(stem, ".svg")
    path.write_bytes(cloud_svg(value.points_NC, value.classes_N))
    return path


def _write_video(value: VideoPrediction, stem: Path) -> Path:
    """What was given and what was made as one animation, ten frames a second."""
    frames_THW = np.concatenate([value.given_THW, value.frames_THW])
    pixels_THW = (np.clip(frames_THW, 0, 1) * 255).round().astype(np.uint8)
    first, *others = [_pillow().fromarray(frame) for frame in pixels_THW]
    path = _named(stem, ".gif")
    first.save(path, save_all=True, append_images=others, duration=100, loop=0)
    return path


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise DataError(
            "writing images needs Pillow", help="pip install 'seqspec-compiler[images]'"
        ) from None
    return Image


def _write_image(pixels_CHW: NDArray[np.uint8], stem: Path) -> Path:
    path = _named(stem, ".png")
    pixels = pixels_CHW[0] if len(pixels_CHW) == 1 else pixels_CHW.transpose(1, 2, 0)
    _pillow().fromarray(np.ascontiguousarray(pixels)).save(path)
    return path


def _named(stem: Path, suffix: str) -> Path:
    """The stem may hold dots that are no suffix."""
    return stem.with_name(stem.name + suffix)
