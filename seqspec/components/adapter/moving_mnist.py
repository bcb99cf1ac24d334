"""Reader of Moving MNIST."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seqspec.components.adapter._clip_files import SUFFIXES, clip_inputs
from seqspec.components.adapter._frame_files import FRAME_SUFFIXES
from seqspec.components.adapter._moving_squares import moving_squares
from seqspec.components.adapter._synthetic_text import generator
from seqspec.components.adapter._write import write_bytes
from seqspec.data.corpus.adapter import Adapter
from seqspec.data.corpus.input_files import InputFiles
from seqspec.data.corpus.record import Record
from seqspec.data.printable import show
from seqspec.data.regular_file import require_regular
from seqspec.schema.adapter._adapter import ordered
from seqspec.schema.adapter.moving_mnist import FRAMES, SIDE, MovingMnistConfig
from seqspec.schema.diagnostic import DataError

_NAME = "mnist_test_seq.npy"


class MovingMnist(Adapter[MovingMnistConfig]):
    """Clips in the order of the file, which is mapped and never read whole."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.cut)

    def files(self, split: str) -> Iterator[Path]:
        path = self.root / _NAME
        if not path.is_file():
            raise self.missing(f"there is no file `{show(path)}`")
        yield path

    def examples(self, split: str) -> Iterator[Record]:
        path = next(self.files(split))
        clips = self._clips(path)
        for row in self._rows(split, clips.shape[1]):
            frames = clips[:, row].reshape(FRAMES, -1).astype(np.float32) / np.float32(255)
            given = self.config.given
            yield {"id": f"clip:{row}", "source": frames[:given], "target": frames[given:],
                   "file": str(path), "row": row}  # fmt: skip

    def input_files(self) -> InputFiles:
        read = partial(clip_inputs, given=self.config.given, whole=FRAMES, size=(SIDE, SIDE))
        return InputFiles("clips", SUFFIXES, lambda path, _: read(path), folders=FRAME_SUFFIXES)

    def _rows(self, split: str, count: int) -> range:
        """Clips are counted from the shares before, so that no clip is in two splits."""
        before = 0.0
        for name in self.splits():
            if name == split:
                break
            before += self.config.cut[name]
        return range(round(before * count), round((before + self.config.cut[split]) * count))

    def _clips(self, path: Path) -> Any:
        try:
            require_regular(path)
            clips = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            message = f"the file is no array of numpy: {str(error)[:100]}"
            raise DataError(message, corpus=self.corpus, file=show(path)) from None
        if (
            clips.ndim != 4
            or clips.dtype != np.uint8
            or (clips.shape[0], *clips.shape[2:]) != (FRAMES, SIDE, SIDE)
        ):
            raise DataError(
                f"the array is {clips.dtype} {list(clips.shape)}, not uint8 [{FRAMES}, N, {SIDE}, {SIDE}]",
                corpus=self.corpus,
                file=show(path),
            )
        return clips

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """Bright squares that move, in place of the digits."""
        rng = generator("moving_mnist", seed)
        total = round(count / self.config.cut.get("train", 1.0))
        clips = np.zeros((FRAMES, total, SIDE, SIDE), np.uint8)
        for clip in range(total):
            clips[:, clip] = moving_squares(rng, frames=FRAMES, height=SIDE, width=SIDE)
        content = io.BytesIO()
        np.save(content, clips)
        write_bytes(folder / _NAME, content.getvalue())
