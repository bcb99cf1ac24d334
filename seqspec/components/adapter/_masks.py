"""What readers of images with masks share: pairs of files, and what the numbers in the masks mean."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqspec.components.adapter._synthetic_text import generator
from seqspec.data.corpus.adapter import Adapter
from seqspec.data.corpus.images import read_image, read_mask, write_image
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter._masks import VOID, MaskCorpusConfig
from seqspec.schema.diagnostic import DataError

C = TypeVar("C", bound=MaskCorpusConfig)


class Pair(NamedTuple):
    """An image and its mask."""

    name: str
    image: Path
    mask: Path


class MaskCorpus(Adapter[C]):
    """Images in the order of the lists, or of their names where there are none."""

    numbers: ClassVar[NDArray[np.uint8]]
    """``[256]``: the class that each number in a file means."""

    @abstractmethod
    def pairs(self, split: str) -> Iterator[Pair | BadRow]:
        """The files of a split.  Raises ``DataError`` where the corpus is not there."""

    def files(self, split: str) -> Iterator[Path]:
        for pair in self.pairs(split):
            if isinstance(pair, Pair):
                yield pair.image
                yield pair.mask

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        config = self.config
        for pair in self.pairs(split):
            if isinstance(pair, BadRow):
                yield pair
                continue
            try:
                image = read_image(
                    pair.image,
                    channels=3,
                    corpus=self.corpus,
                    height=config.height,
                    width=config.width,
                    resize=config.resize,
                )
                mask = read_mask(
                    pair.mask, classes=config.classes, ignore=VOID, numbers=self.numbers, beside=pair.image,
                    corpus=self.corpus, height=config.height, width=config.width, resize=config.resize,
                )  # fmt: skip
            except DataError as error:
                if not error.file:  # not a fault of the image: Pillow is not there
                    raise
                yield BadRow(pair.name, error.message, error.file, remedy=error.help or "")
                continue
            yield {"id": pair.name, "source": image, "target": mask, "file": str(pair.image)}

    def listed(self, path: Path, pair: Callable[[str], Pair]) -> Iterator[Pair | BadRow]:
        """The pair that the first word of each line of a list names; what begins with ``#`` is a remark."""
        if not path.is_file():
            raise self.missing(f"there is no list `{show(path)}`")
        for line in read_lines(path, corpus=self.corpus):
            if line.fault:
                yield BadRow(f"{path.name}:{line.row}", line.fault, str(path), line.row, line.byte)
            elif line.text.strip() and not line.text.startswith("#"):
                yield pair(line.text.split()[0])

    def draw(self, pair: Pair, *, seed: int) -> None:
        """Write a synthetic pair: a disc and a box on a ground, each in the colour of its class, with
        noise.
        """
        height, width = self.config.height, self.config.width
        rng = generator(self.corpus, seed, pair.name)
        noise = np.random.Generator(np.random.Philox(rng.getrandbits(64)))
        known = [number for number in range(256) if self.numbers[number] < self.config.classes]
        ground, disc, box = (known[rng.randrange(len(known))] for _ in range(3))
        y, x = np.mgrid[0:height, 0:width]
        mask = np.full((height, width), ground, np.uint8)
        top, left = rng.randrange(height // 2), rng.randrange(width // 2)
        mask[top : top + height // 3 + 1, left : left + width // 3 + 1] = box
        cy, cx, radius = rng.randrange(height), rng.randrange(width), min(height, width) / 4
        mask[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = disc
        colours = np.stack([(mask * step + 40) % 200 + 28 for step in (37, 91, 151)]).astype(np.float64)
        pixels = np.clip(colours + noise.normal(0, 12, colours.shape), 0, 255).astype(np.uint8)
        write_image(pair.image, pixels)
        write_image(pair.mask, mask[None])


def only(numbers: dict[int, int]) -> NDArray[np.uint8]:
    """``[256]``: the class of each number; those that are not named are of no class that there is."""
    table = np.full(256, VOID - 1, np.uint8)
    for number, class_ in numbers.items():
        table[number] = class_
    return table
