"""Reader of enwik8."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._synthetic_text import generator, sentence
from seqspec.components.adapter._write import write_bytes
from seqspec.data.corpus.adapter import Adapter
from seqspec.data.corpus.lines import open_bytes
from seqspec.data.corpus.record import Record
from seqspec.schema.adapter.enwik8 import Enwik8Config

_TWENTIETHS = {"train": (0, 18), "dev": (18, 19), "test": (19, 20)}


class Enwik8(Adapter[Enwik8Config]):
    """Records of ``block`` bytes that run on (``joined``)."""

    def splits(self) -> tuple[str, ...]:
        return tuple(_TWENTIETHS)

    def files(self, split: str) -> Iterator[Path]:
        yield from self.found(("enwik8",), split)

    def examples(self, split: str) -> Iterator[Record]:
        path = next(self.files(split))
        start, end = (path.stat().st_size * part // 20 for part in _TWENTIETHS[split])
        with open_bytes(path, corpus=self.corpus) as file:
            file.seek(start)
            for at in range(start, end, self.config.block):
                raw = file.read(min(self.config.block, end - at))
                yield {
                    "id": f"enwik8:{at}",
                    "target": raw.decode("latin-1"),
                    "joined": True,
                    "file": str(path),
                }

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """About ``count`` sentences, most of them English, in the mark-up of the dump."""
        rng = generator("enwik8", seed)
        text = (
            f"'''{sentence(rng, 'ja' if rng.random() < 0.1 else 'en')}'''\n" for _ in range(max(count, 40))
        )
        write_bytes(folder / "enwik8", "".join(text).encode())
