"""Reader of CIFAR-10's binary version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seqspec.components.adapter._synthetic_image import image
from seqspec.components.adapter._synthetic_text import generator
from seqspec.components.adapter._write import write_bytes, write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import open_bytes
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.cifar10 import Cifar10Config
from seqspec.schema.diagnostic import DataError

_FOLDER = "cifar-10-batches-bin"
_BATCHES = {"train": tuple(f"data_batch_{n}.bin" for n in range(1, 6)), "test": ("test_batch.bin",)}
_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_RECORD = 1 + 3 * 32 * 32


class Cifar10(Adapter[Cifar10Config]):
    """Images in the order of the batches; labels are the names of the classes."""

    label_names = _NAMES

    def splits(self) -> tuple[str, ...]:
        return tuple(_BATCHES)

    def files(self, split: str) -> Iterator[Path]:
        for name in _BATCHES[split]:
            path = self.home(_FOLDER) / name
            if not path.is_file():
                raise self.missing(f"there is no file `{show(path)}`{self._pickles()}")
            yield path

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.files(split):
            if path.stat().st_size % _RECORD:
                message = f"{path.stat().st_size:,} bytes are no whole number of records of {_RECORD:,}"
                raise DataError(message, corpus=self.corpus, file=show(path))
            with open_bytes(path, corpus=self.corpus) as file:
                for row in range(path.stat().st_size // _RECORD):
                    yield _record(file.read(_RECORD), path, row)

    def _pickles(self) -> str:
        held = (self.root / "cifar-10-batches-py").is_dir()
        return "; the folder holds the version in Python pickles, which are never opened" if held else ""

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split, batches in _BATCHES.items():
            total = synthetic_count(split, count)
            for index, name in enumerate(batches):
                rng = generator("cifar10", seed, name)
                labels = [
                    rng.randrange(10) for _ in range(total // len(batches) + (index < total % len(batches)))
                ]
                rows = (bytes([x]) + image(x, rng, channels=3, height=32, width=32).tobytes() for x in labels)
                write_bytes(folder / _FOLDER / name, b"".join(rows))
        write_lines(folder / _FOLDER / "batches.meta.txt", _NAMES)


def _record(raw: bytes, path: Path, row: int) -> Record | BadRow:
    name = f"{path.stem}:{row}"
    if raw[0] >= len(_NAMES):
        return BadRow(name, f"class {raw[0]} is none of the ten", str(path), row, row * _RECORD)
    image = np.frombuffer(raw, np.uint8, offset=1).reshape(3, 32, 32)
    return {"id": name, "source": image, "target": _NAMES[raw[0]], "file": str(path), "row": row}
