"""Reader of the layout that public code of FastSpeech 2 prepares; every row is checked against its arrays."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seqspec.components.adapter._synthetic_text import generator
from seqspec.components.adapter._write import concrete, write_lines
from seqspec.data.corpus.adapter import Adapter, Listing, synthetic_count
from seqspec.data.corpus.lines import Line, read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import ordered, patterns
from seqspec.schema.adapter.fastspeech2 import Fastspeech2Config

ARRAYS = {"target": "mel", "durations": "duration", "pitch": "pitch", "energy": "energy"}
"""The folder of each field."""
PHONEMES = (
    "AA1",
    "B",
    "CH",
    "D",
    "EH1",
    "F",
    "G",
    "IY0",
    "K",
    "L",
    "M",
    "N",
    "OW1",
    "P",
    "S",
    "T",
    "UW1",
    "Z",
)


class Fastspeech2(Adapter[Fastspeech2Config]):
    """Utterances in the order of the lists."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def listing(self, split: str) -> Listing:
        lists = self._lists(split)
        rows = (line.text.split("|") for path in lists for line in read_lines(path, corpus=self.corpus))
        return Listing(lists, (self._array(field, row) for row in rows if len(row) == 4 for field in ARRAYS))

    def files(self, split: str) -> Iterator[Path]:
        yield from self.listing(split).files()

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in self._lists(split):
            for line in read_lines(path, corpus=self.corpus):
                yield self._record(path, line)

    def _lists(self, split: str) -> list[Path]:
        return self.found(patterns(self.config.splits[split]), split)

    def _array(self, field: str, row: list[str]) -> Path:
        kind = ARRAYS[field]
        return self.root / kind / f"{row[1]}-{kind}-{row[0]}.npy"

    def _record(self, path: Path, line: Line) -> Record | BadRow:
        place = f"{path.name}:{line.row}"
        row = line.text.split("|")
        try:
            if line.fault:
                raise _Bad(line.fault)
            if len(row) != 4 or any("/" in part or "\0" in part or part.startswith(".") for part in row[:2]):
                raise _Bad("the row is not `name|speaker|{phonemes}|text`")
            phonemes = row[2].strip().removeprefix("{").removesuffix("}").split()
            arrays = {field: _load(self._array(field, row)) for field in ARRAYS}
            _require_fit(arrays, len(phonemes), self.config.num_bins)
        except _Bad as error:
            return BadRow(place, str(error), str(path), line.row, line.byte)
        return {
            "id": f"{row[1]}-{row[0]}", "source": " ".join(phonemes), "speaker": row[1], "file": str(path),
            "row": line.row, **arrays,
        }  # fmt: skip

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split in self.splits():
            for pattern in patterns(self.config.splits[split]):
                rng = generator("fastspeech2", seed, split, pattern)
                rows = []
                for number in range(synthetic_count(split, count)):
                    rows.append(_write(folder, f"{split}{number:05d}", rng, bins=self.config.num_bins))
                write_lines(folder / concrete(pattern), rows)


class _Bad(Exception):
    """Why a row cannot be read."""


def _load(path: Path) -> np.ndarray:
    name = show(f"{path.parent.name}/{path.name}")
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise _Bad(f"there is no file `{name}`") from None
    except (OSError, ValueError, EOFError):
        raise _Bad(f"`{name}` is no array of numbers") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise _Bad(f"`{name}` holds something else than finite numbers")
    return array


def _require_fit(arrays: dict[str, np.ndarray], phonemes: int, bins: int) -> None:
    """One number of each kind a phoneme, durations that sum to the frames."""
    frames = arrays["target"]
    if frames.ndim != 2 or frames.shape[1] != bins:
        raise _Bad(f"the frames have shape {frames.shape}, and {bins} features each are asked for")
    for field in ("durations", "pitch", "energy"):
        if arrays[field].shape != (phonemes,):
            held = "×".join(map(str, arrays[field].shape))
            raise _Bad(f"`{ARRAYS[field]}` has {held} numbers, and the text {phonemes} phonemes")
    durations = arrays["durations"]
    if durations.size and (durations.min() < 0 or (durations % 1 != 0).any()):
        raise _Bad("a duration is negative or not whole")
    if int(durations.sum()) != len(frames):
        raise _Bad(f"the durations sum to {int(durations.sum())}, and there are {len(frames)} frames")


def _write(folder: Path, name: str, rng: random.Random, *, bins: int) -> str:
    """One utterance: each phoneme has a spectrum of its own, tilted by pitch and raised by energy."""
    speaker = rng.choice(("alto", "bass"))
    chosen = [rng.choice(PHONEMES) for _ in range(rng.randint(3, 8))]
    durations = np.array([2 + PHONEMES.index(one) % 4 + rng.randint(0, 1) for one in chosen], np.int64)
    pitch = np.array([(1 if speaker == "alto" else -1) + rng.gauss(0, 0.3) for _ in chosen], np.float32)
    energy = np.array([rng.gauss(0, 0.5) for _ in chosen], np.float32)
    slope = np.linspace(-1, 1, bins, dtype=np.float32)
    spectra = [
        np.sin((PHONEMES.index(one) + 1) * np.pi * (slope + 1) / 2) + 0.3 * p * slope + 0.3 * e
        for one, p, e in zip(chosen, pitch, energy, strict=True)
    ]
    arrays: dict[str, np.ndarray] = {
        "target": np.repeat(np.stack(spectra), durations, axis=0).astype(np.float32),
        "durations": durations, "pitch": pitch, "energy": energy,
    }  # fmt: skip
    for field, array in arrays.items():
        path = folder / ARRAYS[field] / f"{speaker}-{ARRAYS[field]}-{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
    return f"{name}|{speaker}|{{{' '.join(chosen)}}}|{' '.join(chosen).lower()}"
