"""Reader of Kaldi's data folders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seqspec.components.adapter._synthetic_speech import speak, voice, write_audio
from seqspec.components.adapter._synthetic_text import generator, sentence
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, beside, synthetic_count
from seqspec.data.corpus.audio import AudioReader, file_rate
from seqspec.data.corpus.lines import read_lines
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
        paths = (self._recording(entry)[0] for entry in self._table(folder / "wav.scp").values())
        yield from sorted({path for path in paths if path is not None and path.is_file()})

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        folder = self._folder(split)
        recordings = self._table(folder / "wav.scp")
        segments = self._table(folder / "segments") if (folder / "segments").is_file() else None
        speakers = self._table(folder / "utt2spk") if (folder / "utt2spk").is_file() else {}
        file = folder / "text"
        unheard = dict.fromkeys(segments if segments is not None else recordings)
        for line in read_lines(file, corpus=self.corpus):
            name, text = _split(line.text)
            audio: AudioRef | None = None
            unheard.pop(name, None)
            fault = line.fault
            if fault is None:
                fault = None if text else f"`{show(name[:60])}` has no text"
            if fault is None:
                audio, fault = self._audio(name, recordings, segments)
            if audio is None or fault is not None:
                remedy = _REMEDIES.get(str(fault), "")
                yield BadRow(
                    name or f"text:{line.row}", str(fault), str(file), line.row, line.byte, remedy=remedy
                )
                continue
            speaker = {"speaker": speakers.get(name, name)} if speakers else {}
            yield {"id": name, "source": audio, "target": text, **speaker, "file": str(file), "row": line.row}
        where = "segments" if segments is not None else "wav.scp"
        for name in unheard:
            yield BadRow(
                name, f"`{show(name[:60])}` stands in `{where}` and not in `text`", str(folder / where)
            )

    def _folder(self, split: str) -> Path:
        folder = self.root / self.config.splits[split]
        for name in ("wav.scp", "text"):
            if not (folder / name).is_file():
                message = f"split `{split}`: there is no file `{show(folder / name)}`"
                raise self.missing(message, hint=beside(folder / name, self.root))
        return folder

    def _table(self, path: Path) -> dict[str, str]:
        """First column to the rest of the line."""
        found: dict[str, str] = {}
        for line in read_lines(path, corpus=self.corpus):
            name, rest = _split(line.text)
            if line.fault or not rest or name in found:
                reason = line.fault or (
                    "the row has one column" if not rest else f"`{show(name)}` stands twice"
                )
                raise DataError(reason, corpus=self.corpus, file=show(path), row=line.row)
            found[name] = rest
        return found

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
