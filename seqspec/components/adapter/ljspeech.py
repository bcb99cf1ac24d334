"""Reader of LJSpeech's layout; quotation marks in ``metadata.csv`` are ordinary characters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._speech import for_task
from seqspec.components.adapter._synthetic_speech import speak, voice, write_audio
from seqspec.components.adapter._synthetic_text import generator, sentence
from seqspec.components.adapter._utterances import utterance
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter
from seqspec.data.corpus.audio import AudioReader
from seqspec.data.corpus.lines import Line, read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.ljspeech import NATIVE_RATE, LjspeechConfig


class Ljspeech(Adapter[LjspeechConfig]):
    """Utterances in the order of the metadata; a row without its third column falls back to nothing and is
    bad.
    """

    def splits(self) -> tuple[str, ...]:
        return ("train",)

    def audio(self) -> AudioReader:
        resample = self.config.resample
        return AudioReader(resample or NATIVE_RATE, resample=resample is not None, corpus=self.corpus)

    def files(self, split: str) -> Iterator[Path]:
        metadata = self._metadata()
        yield metadata
        yield from sorted((metadata.parent / "wavs").glob("*.wav"))

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        metadata = self._metadata()
        lines = read_lines(metadata, corpus=self.corpus)
        yield from for_task(self.config, (self._utterance(line, metadata) for line in lines))

    def _metadata(self) -> Path:
        path = self.home("LJSpeech-1.1") / "metadata.csv"
        if not path.is_file():
            raise self.missing(f"there is no file `{show(path)}`")
        return path

    def _utterance(self, line: Line, metadata: Path) -> Record | BadRow:
        columns = line.text.split("|")
        if line.fault is None and len(columns) != 3:
            reason = f"the row has {len(columns)} columns, not three divided by `|`"
            return BadRow(f"{metadata.name}:{line.row}", reason, str(metadata), line.row, line.byte)
        name, raw, normalized = columns if line.fault is None else ("", "", "")
        text = (raw if self.config.text == "raw" else normalized).strip()
        return utterance(name, text, metadata.parent / "wavs" / f"{name}.wav", file=metadata, line=line)

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        rng = generator("ljspeech", seed)
        by = voice(rng)
        rows = []
        for index in range(count):
            name, text = f"LJ{index // 100 + 1:03d}-{index % 100 + 1:04d}", sentence(rng, "en")
            samples = speak(text, by, rate=NATIVE_RATE, rng=rng)
            write_audio(folder / "LJSpeech-1.1" / "wavs" / f"{name}.wav", samples, rate=NATIVE_RATE)
            rows.append(f'{name}|"{text}|{text}')
        write_lines(folder / "LJSpeech-1.1" / "metadata.csv", rows)
