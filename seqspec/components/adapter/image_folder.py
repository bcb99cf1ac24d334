"""Reader of folders of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._synthetic_image import image
from seqspec.components.adapter._synthetic_text import generator
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.images import OTHER_SUFFIXES, SUFFIXES, read_image, write_image
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import ordered
from seqspec.schema.adapter.image_folder import ImageFolderConfig
from seqspec.schema.diagnostic import DataError

_SYNTHETIC_CLASSES = ("crosses", "dots", "stripes", "waves")


class ImageFolder(Adapter[ImageFolderConfig]):
    """Images in the order of class and path; hidden files and other suffixes are passed over."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def files(self, split: str) -> Iterator[Path]:
        folder = self.root / self.config.splits[split]
        if not folder.is_dir():
            raise self.missing(f"split `{split}`: there is no folder `{show(folder)}`")
        paths = [path for path in folder.glob("*/**/*") if path.suffix.lower() in SUFFIXES and path.is_file()]
        paths = sorted(path for path in paths if not path.name.startswith("."))
        if not paths:
            other = "; ".join(f"{count:,} {what}" for what, count in self.passed_over(split).items())
            message = f"split `{split}`: there are no images in folders below `{show(folder)}`"
            raise self.missing(message, hint=f"there are {other}" if other else "")
        yield from paths

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        folder = self.root / self.config.splits[split]
        config = self.config
        for path in self.files(split):
            name = path.relative_to(folder)
            try:
                image = read_image(
                    path,
                    channels=config.channels,
                    height=config.height,
                    width=config.width,
                    resize=config.resize,
                    corpus=self.corpus,
                )
            except DataError as error:
                yield BadRow(name.as_posix(), error.message, str(path), remedy=error.help or "")
                continue
            yield {"id": name.as_posix(), "source": image, "target": name.parts[0], "file": str(path)}

    def passed_over(self, split: str) -> dict[str, int]:
        """Images of other suffixes by suffix, and images that stand in no folder of a class."""
        folder = self.root / self.config.splits[split]
        visible = (path for path in folder.glob("**/*") if not path.name.startswith(".") and path.is_file())
        found: Counter[str] = Counter()
        for path in visible:
            suffix = path.suffix.lower()
            if suffix in OTHER_SUFFIXES:
                found[f"images with the suffix {suffix}, which is not read"] += 1
            elif suffix in SUFFIXES and path.parent == folder:
                found["images that stand in no folder of a class"] += 1
        return dict(found)

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        shape = {"channels": self.config.channels, "height": self.config.height, "width": self.config.width}
        for split in self.splits():
            rng = generator("image_folder", seed, split)
            for index in range(synthetic_count(split, count)):
                label = index % len(_SYNTHETIC_CLASSES)
                path = folder / self.config.splits[split] / _SYNTHETIC_CLASSES[label] / f"{index:05d}.png"
                write_image(path, image(label, rng, **shape), corpus=self.corpus)
