"""What augmentation of recordings shares: chance, ranges, folders of recordings."""

# L samples

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seqspec.data.corpus.audio import AudioReader, file_rate
from seqspec.data.corpus.record import AudioRef
from seqspec.schema.augment._waveform import WaveformAugmentConfig
from seqspec.schema.diagnostic import DataError
from seqspec.schema.environment import expand
from seqspec.schema.types import Waveform

SOUNDS = frozenset((".wav", ".flac", ".ogg", ".opus", ".mp3", ".sph", ".aiff"))


class WaveformAugment(ABC):
    """``augment(x_L, generator)``; all randomness is the generator's, and ``x_L`` itself stays as it was."""

    folder: Recordings | None = None
    """What is read beside the recording."""

    def __init__(self, config: WaveformAugmentConfig, source: Waveform) -> None:
        self.chance, self.rate = config.chance, source.rate

    def __call__(self, x_L: Tensor, generator: torch.Generator) -> Tensor:
        if float(torch.rand((), generator=generator)) >= self.chance:
            return x_L
        return self.change(x_L, generator)

    @abstractmethod
    def change(self, x_L: Tensor, generator: torch.Generator) -> Tensor:
        """The changed recording."""


class Recordings:
    """The recordings of a folder, and of those below it, by name; any rate, their channels averaged."""

    def __init__(self, written: str, *, rate: int, what: str) -> None:
        self.written, self.what = written, what
        self.reader = AudioReader(rate, resample=True, mix_down=True, corpus=what)

    @cached_property
    def root(self) -> Path:
        """Where they lie."""
        return Path(os.path.expanduser(expand(self.written)))

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Sorted by name, so that a number means the same recording on every machine.  Raises ``DataError``
        where there is none.
        """
        if not self.root.is_dir():
            raise DataError(
                f"the folder of {self.what} does not exist", file=str(self.root), code="SQ403",
                help="name the folder that holds the recordings, or leave `folder` out",
            )  # fmt: skip
        found = sorted(
            (path for path in self.root.rglob("*") if path.suffix.lower() in SOUNDS),
            key=lambda path: path.relative_to(self.root).as_posix(),
        )
        if not found:
            raise DataError(
                f"the folder of {self.what} holds no recording", file=str(self.root), code="SQ403",
                help=f"recordings are files that end in {', '.join(sorted(SOUNDS))}",
            )  # fmt: skip
        return tuple(found)

    def drawn(self, generator: torch.Generator) -> Path:
        """One of them."""
        return self.files[below(len(self.files), generator)]

    def whole(self, generator: torch.Generator) -> np.ndarray:
        """A random one, ``[L]`` float32."""
        return self.reader(AudioRef(self.drawn(generator), None, None))

    def piece(self, samples: int, generator: torch.Generator) -> np.ndarray:
        """So many samples of a random one from a random place on, begun again at its end."""
        file = self.drawn(generator)
        there = self.reader.num_samples(AudioRef(file, None, None))
        start = below(max(1, there - samples + 1), generator)
        held = self.reader(self._place(file, start, min(there, start + samples)))
        return np.resize(held, samples)

    def _place(self, file: Path, start: int, end: int) -> AudioRef:
        """The piece in samples of the file's own rate, so that no more of a long one is read than is used."""
        rate = file_rate(file)
        first, last = start * rate // self.reader.rate, -(-end * rate // self.reader.rate)
        return AudioRef(file, first, max(last, first + 1))


def below(bound: int, generator: torch.Generator) -> int:
    """A whole number from 0 to below ``bound``."""
    return int(torch.randint(bound, (), generator=generator))


def within(range_: Sequence[float], generator: torch.Generator) -> float:
    """A number of the range, evenly likely."""
    low, high = range_
    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))


def power(x_L: np.ndarray) -> float:
    """Mean square of the samples."""
    return float(np.mean(np.square(x_L, dtype=np.float64)))


def decibels(value: float) -> float:
    """The factor on amplitudes."""
    return float(10.0 ** (value / 20.0))
