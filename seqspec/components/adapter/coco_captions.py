"""Reader of COCO's captions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqspec.components.adapter._synthetic_image import image
from seqspec.components.adapter._synthetic_text import draw, generator, render
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.images import read_image, write_image
from seqspec.data.corpus.lines import open_bytes
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import ordered
from seqspec.schema.adapter.coco_captions import CocoCaptionsConfig
from seqspec.schema.diagnostic import DataError

_CAPTIONS_AN_IMAGE = 5


class CocoCaptions(Adapter[CocoCaptionsConfig]):
    """Captions in the order of their images' and their own numbers; each is an example, so an image stands
    in five.
    """

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.parts)

    def files(self, split: str) -> Iterator[Path]:
        yield self._annotations(split)
        yield from sorted((self.root / self._part(split)).glob("*.jpg"))

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        path = self._annotations(split)
        names, captions = self._read(path)
        last: tuple[int, Any] = (-1, None)
        for number, image_id, caption in captions:
            if image_id != last[0]:
                last = (image_id, self._image(split, names.get(image_id)))
            place = {"file": str(path)}
            if isinstance(last[1], str):
                yield BadRow(str(number), f"image {image_id}: {last[1]}", str(path))
            elif not caption:
                yield BadRow(str(number), "the caption is empty", str(path))
            else:
                yield {
                    "id": str(number),
                    "source": last[1],
                    "target": caption,
                    "speaker": str(image_id),
                    **place,
                }

    def _part(self, split: str) -> str:
        return self.config.parts[split]

    def _annotations(self, split: str) -> Path:
        path = self.root / "annotations" / f"captions_{self._part(split)}.json"
        if not path.is_file():
            raise self.missing(f"there is no file `{show(path)}`")
        return path

    def _read(self, path: Path) -> tuple[Mapping[int, str], list[tuple[int, int, str]]]:
        """File names by image, and (number, image, caption) sorted by image and number."""
        with open_bytes(path, corpus=self.corpus) as file:
            raw = file.read()
        try:
            whole = json.loads(raw)
            names = {int(image["id"]): str(image["file_name"]) for image in whole["images"]}
            rows = [
                (int(row["id"]), int(row["image_id"]), " ".join(row["caption"].split()))
                for row in whole["annotations"]
            ]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            message = "the file does not hold `images` and `annotations` as COCO writes them"
            raise DataError(message, corpus=self.corpus, file=show(path)) from None
        return names, sorted(rows, key=lambda row: (row[1], row[0]))

    def _image(self, split: str, name: str | None) -> Any:
        """The pixels, or a sentence that says why there are none."""
        path = None if name is None else self.inside(name, below=self.root / self._part(split))
        if path is None:
            return "it has no file name, or one that leads out of the corpus folder"
        try:
            return read_image(
                path,
                channels=3,
                height=self.config.height,
                width=self.config.width,
                resize=True,
                corpus=self.corpus,
            )
        except DataError as error:
            return error.message

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """The caption's subject is the class of the image."""
        for split in self.splits():
            rng = generator("coco_captions", seed, split)
            total = synthetic_count(split, count)
            images: list[dict[str, object]] = []
            rows: list[dict[str, object]] = []
            for index in range(-(-total // _CAPTIONS_AN_IMAGE)):
                first, name = draw(rng), f"{index + 1:012d}.jpg"
                pixels = image(first.subject, rng, channels=3, height=48, width=64)
                write_image(folder / self._part(split) / name, pixels, corpus=self.corpus)
                images.append({"id": index + 1, "file_name": name, "height": 48, "width": 64})
                for _ in range(min(_CAPTIONS_AN_IMAGE, total - len(rows))):
                    meaning = draw(rng)._replace(subject=first.subject, time=-1)
                    rows.append(
                        {"id": len(rows) + 1, "image_id": index + 1, "caption": render(meaning, "en")}
                    )
            whole = json.dumps({"images": images, "annotations": rows})
            write_lines(folder / "annotations" / f"captions_{self._part(split)}.json", [whole])
