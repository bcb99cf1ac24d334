"""A film as a folder of numbered images."""

# T frames, H height, W width

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqspec.data.corpus.images import SUFFIXES, image_size, read_image
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

FRAME_SUFFIXES = SUFFIXES - {".gif"}
"""A GIF is a film of its own."""
MOST_DIGITS = 18
"""Digits of a number that are read."""


def frame_files(folder: Path, *, corpus: str = "") -> list[Path]:
    """The images of a folder in the order of their numbers, the last digits of their names.

    Raises ``DataError`` for an image without a number, two with the same, and a number that is left out.
    """
    by_number: dict[int, Path] = {}
    for path in sorted(path for path in folder.iterdir() if is_frame(path)):
        digits = re.findall(r"\d+", path.stem)
        if not digits:
            message = f"`{show(path.name)}` has no number, which says where in the clip it stands"
            raise DataError(message, corpus=corpus, file=show(folder), help="number it, or take it out")
        number = int(digits[-1][-MOST_DIGITS:])
        if number in by_number:
            message = f"`{show(by_number[number].name)}` and `{show(path.name)}` are both frame {number}"
            raise DataError(message, corpus=corpus, file=show(folder), help="one folder holds one clip")
        by_number[number] = path
    numbers = sorted(by_number)
    for before, after in itertools.pairwise(numbers):
        if after != before + 1:
            lacking = f"{after - before - 1:,} frame{'s' * (after > before + 2)}"
            names = f"`{show(by_number[before].name)}` and `{show(by_number[after].name)}`"
            raise DataError(
                f"between {names} the clip lacks {lacking}",
                corpus=corpus,
                file=show(folder),
                help="put them back, or make two clips, in a folder each",
            )
    return [by_number[number] for number in numbers]


def is_frame(path: Path) -> bool:
    """Whether a file is an image of those that are read; hidden ones are not."""
    return path.suffix.lower() in FRAME_SUFFIXES and not path.name.startswith(".") and path.is_file()


def clip_folders(folder: Path) -> list[Path]:
    """``folder`` and those below it that hold frames, in order."""
    return sorted({path.parent for path in folder.glob("**/*") if is_frame(path)})


def read_frames(
    paths: Sequence[Path], *, height: int, width: int, resize: bool, corpus: str = ""
) -> NDArray[np.uint8]:
    """``[T, H, W]`` in grey.  Raises ``DataError`` for an image that cannot be read, for frames of different
    sizes, and without ``resize`` for another size than is wanted.
    """
    first = image_size(paths[0], corpus=corpus)
    for path in paths[1:]:
        size = image_size(path, corpus=corpus)
        if size != first:
            raise DataError(
                f"the frame `{show(path.name)}` is {size[0]} × {size[1]}, and the first one, "
                f"`{show(paths[0].name)}`, {first[0]} × {first[1]}",
                corpus=corpus, file=show(path), help="all frames of a clip have one size",
            )  # fmt: skip
    frames = [
        read_image(path, channels=1, height=height, width=width, resize=resize, corpus=corpus)[0]
        for path in paths
    ]
    return np.stack(frames)
