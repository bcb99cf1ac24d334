"""Reader of Cityscapes' fine annotations."""

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
from seqspec.schema.adapter.cityscapes import CityscapesConfig

_PARTS = {"train": "train", "dev": "val"}
_CLASSES = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""Numbers of the classes that the benchmark scores, in its order."""
_IMAGE, _MASK = "_leftImg8bit.png", "_gtFine_labelIds.png"


class Cityscapes(MaskCorpus[CityscapesConfig]):
    """Images in the order of city and name."""

    numbers: ClassVar[NDArray[np.uint8]] = only({
        **dict.fromkeys((*range(34), 255), VOID), **{number: class_ for class_, number in enumerate(_CLASSES)}
    })  # fmt: skip

    def splits(self) -> tuple[str, ...]:
        return tuple(_PARTS)

    def pairs(self, split: str) -> Iterator[Pair]:
        images = self.root / "leftImg8bit" / _PARTS[split]
        paths = sorted(images.glob(f"*/*{_IMAGE}")) if images.is_dir() else []
        if not paths:
            raise self.missing(f"split `{split}`: there are no images in cities below `{show(images)}`")
        for path in paths:
            name = path.name.removesuffix(_IMAGE)
            yield Pair(name, path, _mask_of(self.root, _PARTS[split], path.parent.name, name))

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split, part in _PARTS.items():
            for index in range(synthetic_count(split, count)):
                name = f"town_{index:06d}_000019"
                image = folder / "leftImg8bit" / part / "town" / f"{name}{_IMAGE}"
                self.draw(Pair(name, image, _mask_of(folder, part, "town", name)), seed=seed)


def _mask_of(root: Path, part: str, city: str, name: str) -> Path:
    return root / "gtFine" / part / city / f"{name}{_MASK}"
