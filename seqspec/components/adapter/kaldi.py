"""Reader of Kaldi's data folders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seqspec.components.adapter._synthetic_speech import speak, voice, write_audio
from seqspec.components.adapter._synthetic_text import generator, sentence
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, beside, synthetic_count
from seqspec.data.corpus.audio import AudioReader, file_rate
from seqspec.data.corpus.lines import Line, read_lines
from seqspec.data.corpus.near_names import absent
from seqspec.data.corpus.record import AudioRef, BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import ordered
from seqspec.schema.adapter.kaldi import KaldiConfig
from seqspec.schema.diagnostic import DataError

_UTTERANCES_A_RECORDING = 3
_ONLY_CHANNEL = ("0", "-1")
"""What the fifth column of ``segments`` says of a recording with one channel."""
_ARCHIVE = re.compile(r".*\.ark(?:\.gz)?:[0-9]+(?:\[[0-9:,]*\])?").fullmatch
_COMMAND = "`wav.scp` holds a command, and commands of a corpus are never run"
_IN_ARCHIVE = "`wav.scp` points into a Kaldi archive (FILE.ark:OFFSET), and archives are not read"
_REMEDIES = {
    _COMMAND: "write the recordings as files first, by running these commands yourself",
    _IN_ARCHIVE: "write each recording to a file of its own, as with the Python package kaldiio: `for name, "
    "(rate, samples) in kaldiio.load_scp('wav.scp').items(): "
    "soundfile.write(f'wav/{name}.wav', samples, rate)`",
}


class _Table(NamedTuple):
    """Rows of a table by their first column, and those that cannot be used."""

    rows: dict[str, str]
    bad: dict[str, BadRow]


class _Tables(NamedTuple):
    """What stands beside ``text``: ``wav.scp``, and ``segments`` and ``utt2spk`` where they are there."""

    recordings: _Table
    segments: _Table | None
    speakers: _Table | None

    def bad(self, name: str) -> BadRow | None:
        """The first row that an utterance needs and that cannot be used."""
        recording = name if self.segments is None else self.segments.rows.get(name, "").split(" ")[0]
        needed = ((self.segments, name), (self.recordings, recording), (self.speakers, name))
        rows = (table.bad.get(key) for table, key in needed if table is not None)
        return next((row for row in rows if row is not None), None)


class Kaldi(Adapter[KaldiConfig]):
    """Utterances in the order of ``text``; the tables beside it are held in memory."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def audio(self) -> AudioReader:
        one = self.config.channel if isinstance(self.config.channel, int) else None
        return AudioReader(
            self.config.rate,
            resample=self.config.resample,
            mix_down=self.config.channel == "mean",
            channel=one,
            corpus=self.corpus,
        )

    def files(self, split: str) -> Iterator[Path]:
        folder = self._folder(split)
        yield from (
            path for name in ("segments", "text", "utt2spk", "wav.scp") if (path := folder / name).is_file()
        )
        paths = (self._recording(entry)[0] for entry in self._table(folder / "wav.scp").rows.values())
        yield from sorted({path for path in paths if path is not None and path.is_file()})

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        folder = self._folder(split)
        tables = self._tables(folder)
        where = "wav.scp" if tables.segments is None else "segments"
        first = tables.recordings if tables.segments is None else tables.segments
        unheard = dict.fromkeys(first.rows)
        unread = {bad: None for table in tables if table is not None for bad in table.bad.values()}
        for line in read_lines(folder / "text", corpus=self.corpus):
            name, text = _split(line.text)
            if not name and not line.fault:
                continue
            unheard.pop(name, None)
            bad = tables.bad(name)
            if bad is not None:
                unread.pop(bad, None)
            if bad is not None and not line.fault:
                yield bad._replace(id=name)
            else:
                yield self._utterance(name, text, line, folder / "text", tables)
        yield from unread
        for name in unheard:
            yield BadRow(
                name, f"`{show(name[:60])}` stands in `{where}` and not in `text`", str(folder / where)
            )

    def _utterance(self, name: str, text: str, line: Line, file: Path, tables: _Tables) -> Record | BadRow:
        audio, fault = None, line.fault
        if fault is None:
            fault = None if text else f"`{show(name[:60])}` has no text"
        if fault is None:
            segments = None if tables.segments is None else tables.segments.rows
            audio, fault = self._audio(name, tables.recordings.rows, segments)
        if audio is None or fault is not None:
            remedy = _REMEDIES.get(str(fault), "")
            id = name or f"text:{line.row}"
            return BadRow(id, str(fault), str(file), line.row, line.byte, remedy=remedy)
        speakers = None if tables.speakers is None else tables.speakers.rows
        speaker = {"speaker": speakers.get(name, name)} if speakers else {}
        return {"id": name, "source": audio, "target": text, **speaker, "file": str(file), "row": line.row}

    def _folder(self, split: str) -> Path:
        folder = self.root / self.config.splits[split]
        for name in ("wav.scp", "text"):
            if not (folder / name).is_file():
                message = f"split `{split}`: there is no file `{show(folder / name)}`"
                raise self.missing(message, hint=beside(folder / name, self.root))
        return folder

    def _tables(self, folder: Path) -> _Tables:
        recordings = self._table(folder / "wav.scp")
        beside = (folder / "segments", folder / "utt2spk")
        segments, speakers = (self._table(path) if path.is_file() else None for path in beside)
        return _Tables(recordings, segments, speakers)

    def _table(self, path: Path) -> _Table:
        """First column to the rest of the line; a name that stands twice is bad, for nobody knows which is
        meant.
        """
        table = _Table({}, {})
        for line in read_lines(path, corpus=self.corpus):
            name, rest = _split(line.text)
            if not line.fault and not name:
                continue
            if line.fault or not rest or name in table.rows:
                reason = line.fault or (
                    "the row has one column" if not rest else f"`{show(name)}` stands twice"
                )
                id = f"{path.name}:{line.row}"
                table.bad[name or id] = BadRow(id, reason, str(path), line.row, line.byte)
            else:
                table.rows[name] = rest
        return table

    def _audio(
        self, name: str, recordings: dict[str, str], segments: dict[str, str] | None
    ) -> tuple[AudioRef | None, str | None]:
        """The utterance's audio, or why there is none."""
        if segments is None:
            path, fault = self._recording(recordings.get(name))
            return (AudioRef(path) if path is not None else None), fault
        parts = segments.get(name, "").split()
        if len(parts) not in (3, 4):
            columns = f"{len(parts) + 1} columns in `segments`" if parts else "no row in `segments`"
            return (
                None,
                f"`{show(name[:60])}` has {columns}: a name, a recording, a start and an end belong there",
            )
        if len(parts) == 4 and parts[3] not in _ONLY_CHANNEL:
            return None, (
                f"`{show(name[:60])}` is on channel {show(parts[3][:20])} (the fifth column of "
                "`segments`), and channels are not read one by one: write each into a file of its own"
            )
        path, fault = self._recording(recordings.get(parts[0]))
        if path is None:
            return None, fault
        return self._piece(name, path, parts[1], parts[2])

    def _piece(self, name: str, path: Path, start: str, end: str) -> tuple[AudioRef | None, str | None]:
        """What a segment cuts out of its recording; an end of -1 is the recording's, as in Kaldi."""
        try:
            seconds = float(start), float(end)
            rate = file_rate(path) if self.config.resample else self.config.rate
            first, last = (round(time * rate) for time in seconds)
        except (ValueError, OverflowError):
            return None, f"the times of segment `{show(name[:60])}` are no numbers"
        except DataError as error:
            return None, f"{error.message}: `{error.file}`"
        if first < 0:
            return None, f"segment `{show(name[:60])}` begins before its recording"
        if seconds[1] == -1:
            return AudioRef(path, first, None), None
        if last <= first:
            return None, f"segment `{show(name[:60])}` ends before it begins"
        return AudioRef(path, first, last), None

    def _recording(self, entry: str | None) -> tuple[Path | None, str | None]:
        """The file that an entry of ``wav.scp`` names: below the corpus folder, or by its whole path."""
        if entry is None:
            return None, "`wav.scp` does not name its recording"
        if entry.startswith("|") or entry.endswith("|"):
            return None, _COMMAND
        if _ARCHIVE(entry):
            return None, _IN_ARCHIVE
        path = Path(entry) if entry.startswith("/") and "\0" not in entry else self.inside(entry)
        if path is None:
            return None, self.outside(entry)
        if not path.is_file():
            return None, absent(path)
        return path, None

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split in self.splits():
            _write_folder(folder, self.config, split, synthetic_count(split, count), seed)


def _write_folder(root: Path, config: KaldiConfig, split: str, count: int, seed: int) -> None:
    """Recordings of a few utterances each, told apart by ``segments``."""
    tables: dict[str, list[str]] = {"wav.scp": [], "segments": [], "text": [], "utt2spk": []}
    for number, first in enumerate(range(0, count, _UTTERANCES_A_RECORDING)):
        rng = generator("kaldi", seed, split, number)
        by, speaker, recording = voice(rng), f"{split}{number % 8}", f"{split}{number % 8}-r{number}"
        pieces, at = [], 0
        for index in range(first, min(first + _UTTERANCES_A_RECORDING, count)):
            text = sentence(rng, config.language)
            samples = speak(text, by, rate=config.rate, rng=rng)
            utterance = f"{recording}-{index:05d}"
            end = at + len(samples)
            tables["segments"].append(
                f"{utterance} {recording} {at / config.rate:.6f} {end / config.rate:.6f}"
            )
            tables["text"].append(f"{utterance} {text}")
            tables["utt2spk"].append(f"{utterance} {speaker}")
            pieces.append(samples)
            at = end
        name = f"audio/{recording}.wav"
        write_audio(root / name, np.concatenate(pieces), rate=config.rate)
        tables["wav.scp"].append(f"{recording} {name}")
    for name, rows in tables.items():
        write_lines(root / config.splits[split] / name, sorted(rows))


def _split(line: str) -> tuple[str, str]:
    name, _, rest = line.strip().replace("\t", " ").partition(" ")
    return name, rest.strip()
