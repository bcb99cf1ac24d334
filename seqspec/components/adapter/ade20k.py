"""Reader of ADE20K in the layout of the 2016 challenge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from seqspec.components.adapter._masks import MaskCorpus, Pair, only
from seqspec.data.corpus.adapter import synthetic_count
from seqspec.data.printable import show
from seqspec.schema.adapter._masks import VOID
from seqspec.schema.adapter.ade20k import Ade20kConfig

_PARTS = {"train": ("training", "train"), "dev": ("validation", "val")}


class Ade20k(MaskCorpus[Ade20kConfig]):
    """Images in the order of their names."""

    numbers: ClassVar[NDArray[np.uint8]] = only({0: VOID, **{number: number - 1 for number in range(1, 151)}})

    def splits(self) -> tuple[str, ...]:
        return tuple(_PARTS)

    def pairs(self, split: str) -> Iterator[Pair]:
        home = self.home("ADEChallengeData2016")
        images = home / "images" / _PARTS[split][0]
        paths = sorted(images.glob("*.jpg")) if images.is_dir() else []
        if not paths:
            raise self.missing(f"split `{split}`: there are no images in `{show(images)}`")
        for path in paths:
            yield Pair(path.stem, path, home / "annotations" / _PARTS[split][0] / f"{path.stem}.png")

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        home = folder / "ADEChallengeData2016"
        for split, (part, short) in _PARTS.items():
            for index in range(synthetic_count(split, count)):
                name = f"ADE_{short}_{index:08d}"
                image, mask = home / "images" / part, home / "annotations" / part
                self.draw(Pair(name, image / f"{name}.jpg", mask / f"{name}.png"), seed=seed)
