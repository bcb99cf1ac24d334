"""Reader of the Free Spoken Digit Dataset; its ``metadata.py`` is Python and is never run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._synthetic_speech import speak, voice, write_audio
from seqspec.components.adapter._synthetic_text import generator
from seqspec.data.corpus.adapter import Adapter
from seqspec.data.corpus.audio import AudioReader
from seqspec.data.corpus.record import AudioRef, BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.free_spoken_digits import FreeSpokenDigitsConfig

_NAME = re.compile(r"^(?P<digit>[0-9])_(?P<speaker>[^_]+)_(?P<index>[0-9]+)$", re.ASCII)
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEST_RECORDINGS = 5
_SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


class FreeSpokenDigits(Adapter[FreeSpokenDigitsConfig]):
    """Recordings in the order of digit, speaker and index."""

    def splits(self) -> tuple[str, ...]:
        return ("train", "test")

    def audio(self) -> AudioReader:
        return AudioReader(8_000, corpus=self.corpus)

    def files(self, split: str) -> Iterator[Path]:
        for path in self._recordings():
            if self._split(path) == split:
                yield path

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in self._recordings():
            match = _NAME.match(path.stem)
            if self._split(path) != split:
                continue
            if match is None:
                yield BadRow(
                    path.stem, f"`{show(path.name)}` is not <digit>_<speaker>_<index>.wav", str(path)
                )
                continue
            digit = match["digit"]
            target = digit if self.config.target == "label" else _WORDS[int(digit)]
            record = {"id": path.stem, "source": AudioRef(path), "target": target}
            yield record | {"speaker": match["speaker"], "file": str(path)}

    def _split(self, path: Path) -> str:
        match = _NAME.match(path.stem)
        if match is None:
            return "train"
        if self.config.split == "by_speaker":
            return "test" if match["speaker"] in self.config.test_speakers else "train"
        return "test" if int(match["index"]) < _TEST_RECORDINGS else "train"

    def _recordings(self) -> list[Path]:
        found = next(
            iter(sorted(self.root.glob("free-spoken-digit-dataset*/recordings"))), self.root / "recordings"
        )
        folder = found if found.is_dir() else self.root
        paths = sorted(folder.glob("[!.]*.wav"), key=_order)
        if not paths:
            raise self.missing(f"there are no recordings below `{show(folder)}`")
        return paths

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """Five recordings of every digit by every speaker for the test, and ``count`` more for training."""
        speakers = tuple(dict.fromkeys((*_SPEAKERS[:2], *self.config.test_speakers)))
        written: dict[str, int] = {}
        whole = len(speakers) * len(_WORDS) * _TEST_RECORDINGS
        for number in range(whole + count):
            speaker, digit = speakers[number % len(speakers)], number // len(speakers) % 10
            index = written.get(f"{digit}_{speaker}", 0)
            written[f"{digit}_{speaker}"] = index + 1
            rng = generator("digits", seed, digit, speaker, index)
            samples = speak(_WORDS[digit], voice(generator(seed, speaker)), rate=8_000, rng=rng)
            write_audio(folder / "recordings" / f"{digit}_{speaker}_{index}.wav", samples, rate=8_000)


def _order(path: Path) -> tuple[str, str, int, str]:
    match = _NAME.match(path.stem)
    return (match["digit"], match["speaker"], int(match["index"]), "") if match else ("", "", 0, path.name)
