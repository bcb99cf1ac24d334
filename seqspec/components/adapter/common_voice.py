"""Reader of Common Voice releases, whatever columns the year's release has beside ``client_id``, ``path`` and
``sentence``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._delimited import read_tsv
from seqspec.components.adapter._synthetic_speech import speak, voice, write_audio
from seqspec.components.adapter._synthetic_text import generator, sentence
from seqspec.components.adapter._table import Row
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, Listing, synthetic_count
from seqspec.data.corpus.audio import AudioReader
from seqspec.data.corpus.record import AudioRef, BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import ordered, patterns
from seqspec.schema.adapter.common_voice import CommonVoiceConfig

_COLUMNS = ("client_id", "path", "sentence")
_HEADER = (*_COLUMNS, "up_votes", "down_votes", "age", "gender", "accents", "locale", "segment")
_CLIP_RATE = 48_000
_SUFFIXES = (".mp3", ".wav", ".flac", ".ogg", ".opus")
"""The first releases leave ``.mp3`` out; whoever converted the clips has another."""


class CommonVoice(Adapter[CommonVoiceConfig]):
    """Clips in the order of the table; the ``speaker`` is the ``client_id``."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def audio(self) -> AudioReader:
        return AudioReader(self.config.rate, resample=True, corpus=self.corpus)

    def listing(self, split: str) -> Listing:
        read = (row["source"] for row in self.examples(split) if not isinstance(row, BadRow))
        return Listing(self._tables(split), (clip.path for clip in read if isinstance(clip, AudioRef)))

    def files(self, split: str) -> Iterator[Path]:
        yield from self.listing(split).files()

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for table in self._tables(split):
            for row in read_tsv(table, header=True, needed=_COLUMNS, corpus=self.corpus):
                yield self._record(row, table)

    def _tables(self, split: str) -> list[Path]:
        home = self.home(self.config.language)
        tables = [home / f"{name}.tsv" for name in patterns(self.config.splits[split])]
        for table in tables:
            if not table.is_file():
                raise self.missing(f"there is no table `{show(table)}`")
        return tables

    def _record(self, row: Row, table: Path) -> Record | BadRow:
        name, text = str(row.cells.get("path", "")), str(row.cells.get("sentence", "")).strip()
        clip = self.inside(
            name if Path(name).suffix in _SUFFIXES else f"{name}.mp3", below=table.parent / "clips"
        )
        fault = row.fault
        if fault is None and (not name or clip is None):
            fault = f"`{show(name[:100])}` names no clip below `clips`"
        if fault is None and not text:
            fault = "the sentence is empty"
        if fault is not None or clip is None:
            return BadRow(f"{table.stem}:{row.number}", str(fault), str(table), row.number, row.byte)
        place = {"speaker": str(row.cells["client_id"]), "file": str(table), "row": row.number}
        return {"id": clip.stem, "source": AudioRef(clip), "target": text, **place}

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        language = self.config.language
        tables = {name: split for split in self.splits() for name in patterns(self.config.splits[split])}
        for table, split in tables.items():
            rng = generator("common_voice", seed, table)
            rows = ["\t".join(_HEADER)]
            for index in range(synthetic_count(split, count)):
                speaker = rng.randrange(max(count // 10, 2))
                name, text = f"common_voice_{language}_{table}{index:06d}.mp3", sentence(rng, language)
                by = voice(generator(seed, table, speaker))
                samples = speak(text, by, rate=_CLIP_RATE, rng=rng)
                write_audio(folder / language / "clips" / name, samples, rate=_CLIP_RATE)
                cells = (f"{table}{speaker:064x}"[-64:], name, text, "2", "0", "", "", "", language, "")
                rows.append("\t".join(cells))
            write_lines(folder / language / f"{table}.tsv", rows)
