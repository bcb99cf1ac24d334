"""Reader of idx files: a magic number, the sizes of each dimension, big end first, then bytes."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqspec.components.adapter._synthetic_image import image
from seqspec.components.adapter._synthetic_text import generator
from seqspec.components.adapter._write import write_bytes
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import open_bytes
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.mnist import MnistConfig
from seqspec.schema.diagnostic import DataError

_PARTS = {"train": "train", "test": "t10k"}
_UNSIGNED_BYTES = 0x08
_SIDE = 28
_MOST_BYTES = 2**30


class Mnist(Adapter[MnistConfig]):
    """Images in the order of the file; labels are the digits as text."""

    def splits(self) -> tuple[str, ...]:
        return tuple(_PARTS)

    def files(self, split: str) -> Iterator[Path]:
        yield from self._pair(split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        paths = self._pair(split)
        images, labels = (
            read_idx(paths[0], (None, _SIDE, _SIDE), self.corpus),
            read_idx(paths[1], (None,), self.corpus),
        )
        if len(images) != len(labels):
            message = f"there are {len(images):,} images and {len(labels):,} labels (`{show(paths[1])}`)"
            raise DataError(message, corpus=self.corpus, file=show(paths[0]))
        for row, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            name = f"{_PARTS[split]}:{row}"
            if label > 9:
                yield BadRow(name, f"label {label} is no digit", str(paths[1]), row)
            else:
                yield {
                    "id": name,
                    "source": pixels[None],
                    "target": str(label),
                    "file": str(paths[0]),
                    "row": row,
                }

    def _pair(self, split: str) -> tuple[Path, Path]:
        return self._file(split, "images-idx3"), self._file(split, "labels-idx1")

    def _file(self, split: str, kind: str) -> Path:
        path = self.home("MNIST/raw") / f"{_PARTS[split]}-{kind}-ubyte"
        packed = path.with_name(f"{path.name}.gz")
        if not path.is_file() and not packed.is_file():
            raise self.missing(f"there is no file `{show(packed)}`")
        return path if path.is_file() else packed

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split, part in _PARTS.items():
            rng = generator("mnist", seed, split)
            labels = [rng.randrange(10) for _ in range(synthetic_count(split, count))]
            images = [image(label, rng, channels=1, height=_SIDE, width=_SIDE) for label in labels]
            shapes = {"images-idx3": (len(labels), _SIDE, _SIDE), "labels-idx1": (len(labels),)}
            contents = {"images-idx3": b"".join(i.tobytes() for i in images), "labels-idx1": bytes(labels)}
            for kind, shape in shapes.items():
                head = bytes([0, 0, _UNSIGNED_BYTES, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
                write_bytes(folder / f"{part}-{kind}-ubyte.gz", head + contents[kind])


def read_idx(path: Path, shape: tuple[int | None, ...], corpus: str) -> NDArray[np.uint8]:
    """The array of an idx file of unsigned bytes; ``shape`` is what it must have, ``None`` where any size may
    stand.
    """
    with open_bytes(path, corpus=corpus) as file:
        head = file.read(4 + 4 * len(shape))
        if len(head) < 4 + 4 * len(shape) or head[:4] != bytes([0, 0, _UNSIGNED_BYTES, len(shape)]):
            message = f"the file is no idx file of bytes in {len(shape)} dimensions"
            raise DataError(message, corpus=corpus, file=show(path), byte=0)
        sizes = struct.unpack(f">{len(shape)}I", head[4:])
        if any(want not in (None, size) for want, size in zip(shape, sizes, strict=True)):
            raise DataError(
                f"the file holds items of {sizes[1:]}, not {shape[1:]}",
                corpus=corpus,
                file=show(path),
                byte=8,
            )
        total = math.prod(sizes)
        if total > _MOST_BYTES:
            raise DataError(f"the header claims {total:,} bytes", corpus=corpus, file=show(path), byte=4)
        content = file.read(total + 1)
    if len(content) != total:
        held = "more" if len(content) > total else f"{len(content):,}"
        message = f"the header promises {total:,} bytes, the file has {held}"
        raise DataError(message, corpus=corpus, file=show(path), byte=len(head))
    return np.frombuffer(content, np.uint8).reshape(sizes)
