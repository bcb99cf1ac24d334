"""Reader of AN4's layout: two lists that belong together line by line, and SPHERE audio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._pairs import aligned
from seqspec.components.adapter._synthetic_speech import speak, voice, write_audio
from seqspec.components.adapter._synthetic_text import generator, phrase
from seqspec.components.adapter._utterances import utterance
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.audio import AudioReader
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.an4 import An4Config

_PARTS = {"train": "an4_clstk", "test": "an4test_clstk"}


class An4(Adapter[An4Config]):
    """Utterances in the order of the lists; the ``speaker`` is the file's folder."""

    def splits(self) -> tuple[str, ...]:
        return ("train", "test")

    def audio(self) -> AudioReader:
        return AudioReader(16_000, corpus=self.corpus)

    def files(self, split: str) -> Iterator[Path]:
        yield from self._lists(split)
        yield from sorted((self.home("an4") / "wav" / _PARTS[split]).glob("*/*.sph"))

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        fileids, transcription = self._lists(split)
        for place, line in aligned(fileids, transcription, corpus=self.corpus):
            text, said = _transcript(line.text)
            name = place.text.strip()
            path = self.inside(f"{name}.sph", below=self.home("an4") / "wav")
            if place.fault or line.fault or path is None or said != path.stem:
                at, file = (place, fileids) if place.fault else (line, transcription)
                fault = at.fault or f"`{show(line.text[:60])}` does not belong to `{show(name[:60])}`"
                yield BadRow(f"{transcription.name}:{line.row}", fault, str(file), at.row, at.byte)
            else:
                speaker = path.parent.name
                yield utterance(path.stem, text, path, file=transcription, line=line, speaker=speaker)

    def _lists(self, split: str) -> tuple[Path, Path]:
        etc = self.home("an4") / "etc"
        lists = etc / f"an4_{split}.fileids", etc / f"an4_{split}.transcription"
        for path in lists:
            if not path.is_file():
                raise self.missing(f"there is no file `{show(path)}`")
        return lists

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split, part in _PARTS.items():
            rng = generator("an4", seed, split)
            names, rows = [], []
            for index in range(synthetic_count(split, count)):
                speaker = f"{'f' if split == 'test' else 'm'}{index % 5:03d}"
                name, text = f"an{index + 1}-{speaker}-b", phrase(rng, words=rng.randint(1, 2))
                samples = speak(text, voice(generator(seed, speaker)), rate=16_000, rng=rng)
                path = folder / "an4" / "wav" / part / speaker / f"{name}.sph"
                write_audio(path, samples, rate=16_000, format="NIST")
                names.append(f"{part}/{speaker}/{name}")
                rows.append(f"<s> {text} </s> ({name})" if split == "train" else f"{text} ({name})")
            write_lines(folder / "an4" / "etc" / f"an4_{split}.fileids", names)
            write_lines(folder / "an4" / "etc" / f"an4_{split}.transcription", rows)


def _transcript(line: str) -> tuple[str, str]:
    """``<s> WORDS </s> (id)`` as the words and the id; either marker may be missing."""
    words, _, name = line.strip().rpartition("(")
    return words.strip().removeprefix("<s>").removesuffix("</s>").strip(), name.removesuffix(")")
