"""Reader of the Oxford-IIIT Pet corpus's trimaps."""

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
from seqspec.schema.adapter.oxford_pet import OxfordPetConfig

_LISTS = {"train": "trainval", "test": "test"}


class OxfordPet(MaskCorpus[OxfordPetConfig]):
    """Images in the order of the lists; their breed and species are left unread."""

    numbers: ClassVar[NDArray[np.uint8]] = only({1: 0, 2: 1, 3: 2})

    def splits(self) -> tuple[str, ...]:
        return tuple(_LISTS)

    def pairs(self, split: str) -> Iterator[Pair | BadRow]:
        path = self.root / "annotations" / f"{_LISTS[split]}.txt"
        return self.listed(path, partial(_pair, self.root))

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split, part in _LISTS.items():
            names = [f"Breed_{split}_{index}" for index in range(synthetic_count(split, count))]
            rows = ["#Image CLASS-ID SPECIES BREED ID", *(f"{name} 1 1 1" for name in names)]
            write_lines(folder / "annotations" / f"{part}.txt", rows)
            for name in names:
                self.draw(_pair(folder, name), seed=seed)


def _pair(folder: Path, name: str) -> Pair:
    mask = folder / "annotations" / "trimaps" / f"{name}.png"
    return Pair(name, folder / "images" / f"{name}.jpg", mask)
