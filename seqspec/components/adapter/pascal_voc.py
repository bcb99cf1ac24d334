"""Reader of Pascal VOC's segmentation part."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from seqspec.components.adapter._masks import MaskCorpus, Pair, only
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import synthetic_count
from seqspec.data.corpus.record import BadRow
from seqspec.schema.adapter._masks import VOID
from seqspec.schema.adapter.pascal_voc import PascalVocConfig

_LISTS = {"train": "train", "dev": "val"}


class PascalVoc(MaskCorpus[PascalVocConfig]):
    """Masks are palette images, whose indices are the classes."""

    numbers: ClassVar[NDArray[np.uint8]] = only({**{n: n for n in range(21)}, 255: VOID})

    def splits(self) -> tuple[str, ...]:
        return tuple(_LISTS)

    def pairs(self, split: str) -> Iterator[Pair | BadRow]:
        folder = self.home("VOCdevkit")
        folder = folder / f"VOC{self.config.year}" if (folder / f"VOC{self.config.year}").is_dir() else folder
        path = folder / "ImageSets" / "Segmentation" / f"{_LISTS[split]}.txt"
        return self.listed(path, partial(_pair, folder))

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        home = folder / "VOCdevkit" / f"VOC{self.config.year}"
        for split, part in _LISTS.items():
            names = [
                f"{self.config.year}_{split}{index:04d}" for index in range(synthetic_count(split, count))
            ]
            write_lines(home / "ImageSets" / "Segmentation" / f"{part}.txt", names)
            for name in names:
                self.draw(_pair(home, name), seed=seed)


def _pair(folder: Path, name: str) -> Pair:
    return Pair(name, folder / "JPEGImages" / f"{name}.jpg", folder / "SegmentationClass" / f"{name}.png")
