"""Reader of several corpora as one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from seqspec.components.adapter._build import build_adapter
from seqspec.data.corpus.adapter import Adapter
from seqspec.data.corpus.audio import AudioReader
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter._adapter import ordered
from seqspec.schema.adapter.mix import MixConfig
from seqspec.schema.diagnostic import DataError


class Mix(Adapter[MixConfig]):
    """Records in the order of the parts, each under its part's name: ``id`` is ``<part>/<id>``, ``corpus`` is
    the part.
    """

    @cached_property
    def root(self) -> Path:
        """The folder of the mixture, or the innermost one that holds all its parts."""
        if self.config.root is not None:
            return super().root
        return Path(os.path.commonpath([part.root.absolute() for part in self._parts().values()]))

    def splits(self) -> tuple[str, ...]:
        return ordered(split for part in self._parts().values() for split in part.splits())

    def audio(self) -> AudioReader | None:
        return self._joint([part.audio() for part in self._parts().values()])

    def audio_of(self, role: str) -> AudioReader | None:
        return self._joint([part.audio_of(role) for part in self._parts().values()])

    def _joint(self, given: list[AudioReader | None]) -> AudioReader | None:
        """One reader for all: the rates are the same, and where one corpus is resampled, all may be."""
        readers = [reader for reader in given if reader is not None]
        if not readers:
            return None
        ways = {"mean" if reader.mix_down else reader.channel for reader in readers} - {None}
        if len(ways) > 1:
            message = f"the parts read different channels: {', '.join(sorted(map(str, ways)))}"
            raise DataError(message, corpus=self.corpus, help="say the same `channel` in every part")
        return AudioReader(
            readers[0].rate,
            resample=any(reader.resample for reader in readers),
            mix_down="mean" in ways,
            channel=next((reader.channel for reader in readers if reader.channel), None),
            corpus=self.corpus,
        )

    def files(self, split: str) -> Iterator[Path]:
        for part in self._having(split).values():
            yield from part.files(split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for name, part in self._having(split).items():
            for row in part.examples(split):
                if isinstance(row, BadRow):
                    yield row._replace(id=f"{name}/{row.id}")
                else:
                    speaker = {"speaker": f"{name}/{row['speaker']}"} if "speaker" in row else {}
                    yield {**row, **speaker, "id": f"{name}/{row['id']}", "corpus": name}

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for index, (name, part) in enumerate(self._parts().items()):
            share = count // len(self.config.parts) + (index < count % len(self.config.parts))
            part.write_synthetic(folder / name, count=max(share, 1), seed=seed)

    def _having(self, split: str) -> dict[str, Adapter[Any]]:
        return {name: part for name, part in self._parts().items() if split in part.splits()}

    def _parts(self) -> dict[str, Adapter[Any]]:
        """The parts' readers, made anew since ``root`` may have been given after this one was made."""
        below = self.__dict__.get("root")
        parts = {}
        for index, part in enumerate(self.config.parts):
            config = part.source
            if config.root is None and self.config.root is not None:
                config = config.model_copy(update={"root": f"{self.config.root}/{part.name}"})
            reader = build_adapter(config)
            reader.place = f"{self.place}.parts[{index}].source"
            if self.config.synthetic and below is not None:
                reader.__dict__["root"] = below / part.name
            parts[part.name] = reader
        return parts
