"""Reader of LibriSpeech's layout: ``<part>/<speaker>/<chapter>/<speaker>-<chapter>-<utterance>.flac`` and
``.trans.txt``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._speech import for_task
from seqspec.components.adapter._synthetic_speech import speak, voice, write_audio
from seqspec.components.adapter._synthetic_text import generator, phrase
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.audio import AudioReader
from seqspec.data.corpus.lines import Line, read_lines
from seqspec.data.corpus.record import AudioRef, BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import ordered
from seqspec.schema.adapter.librispeech import LibrispeechConfig

_UTTERANCES_A_CHAPTER = 25


class Librispeech(Adapter[LibrispeechConfig]):
    """Utterances in the order of part, speaker, chapter and number; ``speaker`` is a key of every record."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.parts)

    def audio(self) -> AudioReader:
        return AudioReader(rate=16_000, corpus=self.corpus)

    def files(self, split: str) -> Iterator[Path]:
        for chapter in self._chapters(split):
            yield from sorted(path for path in chapter.iterdir() if _is_read(path))

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for chapter in self._chapters(split):
            yield from for_task(self.config, self._utterances(chapter))

    def _chapters(self, split: str) -> Iterator[Path]:
        for part in self.config.parts[split]:
            folder = self._part(part)
            for speaker in _folders(folder):
                yield from _folders(speaker)

    def _part(self, part: str) -> Path:
        """The folder of a part; ``root`` may be ``LibriSpeech`` itself or the folder that holds it."""
        for folder in (self.root / "LibriSpeech" / part, self.root / part):
            if folder.is_dir():
                return folder
        raise self.missing(f"there is no folder `{show(self.root / 'LibriSpeech' / part)}`")

    def _utterances(self, chapter: Path) -> Iterator[Record | BadRow]:
        stem = f"{chapter.parent.name}-{chapter.name}"
        transcript = chapter / f"{stem}.trans.txt"
        unread = {path.stem: path for path in chapter.iterdir() if _is_audio(path)}
        for line in read_lines(transcript, corpus=self.corpus) if transcript.is_file() else ():
            name, _, text = line.text.partition(" ")
            reason = _fault(line, name, text.strip(), stem, unread)
            if reason:
                unread.pop(name, None)
                yield BadRow(f"{transcript.name}:{line.row}", reason, str(transcript), line.row, line.byte)
                continue
            audio = AudioRef(unread.pop(name))
            place = {"speaker": chapter.parent.name, "file": str(transcript), "row": line.row}
            yield {"id": name, "source": audio, "target": text.strip(), **place}
        for name, path in sorted(unread.items()):
            yield BadRow(name, f"no line of {show(transcript.name)} transcribes this file", str(path))

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        speakers: list[str] = []
        written: list[str] = []
        # Who is to speak has been heard; who is heard is somebody new.
        known = self.config.task == "synthesis"
        for split in self.splits():
            parts = [p for p in self.config.parts[split] if p not in written]
            for index, part in enumerate(parts):
                share = synthetic_count(split, count)
                share = max(share // len(parts) + (index < share % len(parts)), 1)
                first = 100 if known else 100 + len(speakers)
                chapter = 1000 * (1 + len(written)) if known else 1000
                root = folder / "LibriSpeech"
                speakers += _write_part(root, part, share, first=first, chapter=chapter, seed=seed)
                written.append(part)
        table = "".join(
            f"{speaker:<5}| {'FM'[int(speaker) % 2]} | synthetic | 0.5 | Speaker {speaker}\n"
            for speaker in dict.fromkeys(speakers)
        )
        (folder / "LibriSpeech" / "SPEAKERS.TXT").write_text(
            ";ID  |SEX| SUBSET | MINUTES | NAME\n" + table, encoding="utf-8"
        )


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _is_audio(path: Path) -> bool:
    """Macintoshes leave ``._`` files beside those that they copy."""
    return path.suffix == ".flac" and not path.name.startswith(".")


def _is_read(path: Path) -> bool:
    return _is_audio(path) or (path.suffix == ".txt" and path.is_file())


def _fault(line: Line, name: str, text: str, stem: str, unread: dict[str, Path]) -> str | None:
    if line.fault:
        return line.fault
    if not name.startswith(f"{stem}-"):
        return f"`{show(name[:60])}` is not an utterance of chapter {show(stem)}"
    if not text:
        return f"`{show(name[:60])}` has no transcript after it"
    return None if name in unread else f"there is no file {show(name[:60])}.flac, or a second line names it"


def _write_part(root: Path, part: str, count: int, *, first: int, chapter: int, seed: int) -> list[str]:
    """Write ``count`` utterances and give the speakers; a chapter holds at most 25."""
    num_speakers = min(max(count // _UTTERANCES_A_CHAPTER, 2), 24, count)
    for index in range(num_speakers):
        speaker = str(first + index)
        rng = generator("librispeech", seed, part, speaker)
        by = voice(rng)
        lines: dict[Path, list[str]] = {}
        for number in range(len(range(index, count, num_speakers))):
            place = root / part / speaker / str(chapter + number // _UTTERANCES_A_CHAPTER)
            name = f"{speaker}-{place.name}-{number % _UTTERANCES_A_CHAPTER:04d}"
            text = phrase(rng, words=rng.randint(1, 3))
            write_audio(place / f"{name}.flac", speak(text, by, rate=16_000, rng=rng), rate=16_000)
            lines.setdefault(place / f"{speaker}-{place.name}.trans.txt", []).append(f"{name} {text}\n")
        for path, rows in lines.items():
            path.write_text("".join(rows), encoding="utf-8")
    return [str(first + index) for index in range(num_speakers)]
