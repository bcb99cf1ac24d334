"""Reader of JSUT's layout."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from seqspec.components.adapter._speech import for_task
from seqspec.components.adapter._synthetic_speech import speak, voice, write_audio
from seqspec.components.adapter._synthetic_text import generator, sentence
from seqspec.components.adapter._utterances import utterance
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter
from seqspec.data.corpus.audio import AudioReader
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.jsut import NATIVE_RATE, JsutConfig


class Jsut(Adapter[JsutConfig]):
    """Utterances in the order of the subsets and their transcripts; the text after the first colon may hold
    others.
    """

    def splits(self) -> tuple[str, ...]:
        return ("train", *(["dev"] if self.config.dev else []), *(["test"] if self.config.test else []))

    def audio(self) -> AudioReader:
        resample = self.config.resample
        return AudioReader(resample or NATIVE_RATE, resample=resample is not None, corpus=self.corpus)

    def files(self, split: str) -> Iterator[Path]:
        for transcript in self._transcripts():
            yield transcript
            yield from sorted((transcript.parent / "wav").glob("*.wav"))

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        test, dev = self.config.test, self.config.dev
        bounds = {"test": (0, test), "dev": (test, test + dev), "train": (test + dev, None)}
        yield from for_task(self.config, islice(self._utterances(), *bounds[split]))

    def _utterances(self) -> Iterator[Record | BadRow]:
        for transcript in self._transcripts():
            for line in read_lines(transcript, corpus=self.corpus):
                name, _, text = line.text.partition(":")
                audio = transcript.parent / "wav" / f"{name}.wav"
                yield utterance(name, text.strip(), audio, file=transcript, line=line)

    def _transcripts(self) -> list[Path]:
        home = self.home("jsut_ver1.1")
        found = [home / subset / "transcript_utf8.txt" for subset in self.config.subsets]
        for path in found:
            if not path.is_file():
                raise self.missing(f"there is no file `{show(path)}`")
        return found

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """``count`` utterances for training after as many as ``dev`` and ``test`` take, spread over the
        subsets.
        """
        rng = generator("jsut", seed)
        by = voice(rng)
        subsets = self.config.subsets
        total = count + self.config.dev + self.config.test
        for index, subset in enumerate(subsets):
            rows = []
            for number in range(total * index // len(subsets), total * (index + 1) // len(subsets)):
                name, text = f"{subset.upper()}_{number + 1:04d}", sentence(rng, "ja")
                samples = speak(text, by, rate=NATIVE_RATE, rng=rng)
                write_audio(
                    folder / "jsut_ver1.1" / subset / "wav" / f"{name}.wav", samples, rate=NATIVE_RATE
                )
                rows.append(f"{name}:{text}")
            write_lines(folder / "jsut_ver1.1" / subset / "transcript_utf8.txt", rows)
