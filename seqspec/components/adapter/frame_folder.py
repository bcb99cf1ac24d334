"""Reader of films that are folders of frames."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from seqspec.components.adapter._clip_files import SUFFIXES, clip_inputs
from seqspec.components.adapter._frame_files import (
    FRAME_SUFFIXES,
    clip_folders,
    frame_files,
    is_frame,
    read_frames,
)
from seqspec.components.adapter._moving_squares import moving_squares
from seqspec.components.adapter._synthetic_text import generator
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.images import OTHER_SUFFIXES, write_image
from seqspec.data.corpus.input_files import InputFiles
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import ordered
from seqspec.schema.adapter.frame_folder import FrameFolderConfig
from seqspec.schema.diagnostic import DataError


class FrameFolder(Adapter[FrameFolderConfig]):
    """Clips in the order of their folders, the pieces of one in the order of its frames."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def files(self, split: str) -> Iterator[Path]:
        for folder in self._clips(split):
            yield from sorted(path for path in folder.iterdir() if is_frame(path))

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        home, config = self._home(split), self.config
        size = config.given + config.following
        for folder in self._clips(split):
            name = folder.relative_to(home).as_posix()
            try:
                frames = frame_files(folder, corpus=self.corpus)
            except DataError as error:
                yield BadRow(name, error.message, str(folder), remedy=error.help or "")
                continue
            if len(frames) < size:
                yield BadRow(name, self._too_short(len(frames)), str(folder))
            for start in range(0, len(frames) - size + 1, size):
                yield self._piece(f"{name}:{start}", frames[start : start + size])

    def _piece(self, name: str, paths: list[Path]) -> Record | BadRow:
        config = self.config
        try:
            frames = read_frames(
                paths, height=config.height, width=config.width, resize=config.resize, corpus=self.corpus
            )
        except DataError as error:
            if not error.file:  # not a fault of the image: Pillow is not there
                raise
            return BadRow(name, error.message, error.file, remedy=error.help or "")
        pixels = frames.reshape(len(frames), -1).astype(np.float32) / np.float32(255)
        given = config.given
        return {"id": name, "source": pixels[:given], "target": pixels[given:], "file": str(paths[0])}

    def _too_short(self, count: int) -> str:
        given, following = self.config.given, self.config.following
        return (
            f"the clip has {count:,} frame{'s' * (count != 1)}, and {given + following:,} are read: "
            f"{given:,} given and {following:,} that follow"
        )

    def _home(self, split: str) -> Path:
        folder = self.root / self.config.splits[split]
        if not folder.is_dir():
            raise self.missing(f"split `{split}`: there is no folder `{show(folder)}`")
        return folder

    def _clips(self, split: str) -> list[Path]:
        home = self._home(split)
        found = [folder for folder in clip_folders(home) if folder != home]
        if not found:
            other = "; ".join(f"{count:,} {what}" for what, count in self.passed_over(split).items())
            message = f"split `{split}`: there are no folders of frames below `{show(home)}`"
            raise self.missing(message, hint=f"there are {other}" if other else "")
        return found

    def passed_over(self, split: str) -> dict[str, int]:
        """Frames behind the last whole piece of a clip, images that stand in no folder of a clip, and images
        of other suffixes.
        """
        home, size = self._home(split), self.config.given + self.config.following
        found: dict[str, int] = {}
        for path in home.glob("**/*"):
            suffix = path.suffix.lower()
            if suffix in OTHER_SUFFIXES | {".gif"} and not path.name.startswith("."):
                told = f"images with the suffix {suffix}, which is not read"
                found[told] = found.get(told, 0) + 1
        counts = {folder: sum(map(is_frame, folder.iterdir())) for folder in clip_folders(home)}
        loose = counts.pop(home, 0)
        rest = sum(count % size for count in counts.values() if count >= size)
        told_counts = {
            "images that stand in no folder of a clip": loose,
            f"frames behind the last {size:,} of their clips": rest,
        }
        return found | {told: count for told, count in told_counts.items() if count}

    def input_files(self) -> InputFiles:
        config = self.config
        read = partial(
            clip_inputs, given=config.given, whole=config.given + config.following,
            size=(config.height, config.width), resize=config.resize,
        )  # fmt: skip
        return InputFiles("clips", SUFFIXES, lambda path, _: read(path), folders=FRAME_SUFFIXES)

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """Bright squares that move, one clip an example."""
        config = self.config
        frames = config.given + config.following
        for split in self.splits():
            rng = generator("frame_folder", seed, split)
            for clip in range(synthetic_count(split, count)):
                film_THW = moving_squares(rng, frames=frames, height=config.height, width=config.width)
                for number, frame_HW in enumerate(film_THW, start=1):
                    path = folder / config.splits[split] / f"clip_{clip:04d}" / f"{number:06d}.png"
                    write_image(path, frame_HW[None], corpus=self.corpus)
