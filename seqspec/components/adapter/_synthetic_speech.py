"""Speech-like audio: one distinct spectral pattern a character, so that a small model learns to read it in a
minute.

Each character is three resonances on a grid, shaped by a voice (pitch, size of the vocal tract, speaking
rate, breath), with a soft start and end, so that a doubled letter has a dip between; a space is a short
silence.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_LOW = (320.0, 430.0, 560.0, 700.0, 850.0)
_MIDDLE = (1050.0, 1300.0, 1600.0, 1950.0, 2300.0)
_HIGH = (2600.0, 2950.0, 3300.0)
_PLACES = len(_LOW) * len(_MIDDLE) * len(_HIGH)
LETTER_SECONDS = 0.075


Resonances = tuple[float, float, float]


class Voice(NamedTuple):
    """A speaker."""

    pitch: float
    """Hertz."""
    scale: float
    """Factor on every resonance."""
    rate: float
    """Factor on speed."""
    noise: float
    """Standard deviation of the breath, beside a signal of about 0.1."""


def voice(rng: random.Random) -> Voice:
    """A random speaker."""
    return Voice(
        rng.uniform(90, 240), rng.uniform(0.96, 1.04), rng.uniform(0.85, 1.2), 10 ** rng.uniform(-3.5, -2.3)
    )


def speak(text: str, by: Voice, *, rate: int, rng: random.Random) -> NDArray[np.int16]:
    """``text`` as 16-bit samples, with a little silence before and after."""
    pieces = [np.zeros(int(rate * rng.uniform(0.05, 0.12)))]
    for character in text:
        seconds = LETTER_SECONDS / by.rate * rng.uniform(0.85, 1.15)
        pieces.append(
            np.zeros(int(rate * seconds)) if character.isspace() else _letter(character, seconds, by, rate)
        )
    pieces.append(np.zeros(int(rate * rng.uniform(0.05, 0.12))))
    clean = np.concatenate(pieces) * rng.uniform(0.6, 1.0)
    noise = np.random.Generator(np.random.Philox(rng.getrandbits(64))).standard_normal(len(clean))
    return np.round(np.clip(clean + by.noise * noise, -1, 1) * 32767).astype(np.int16)


def write_audio(path: Path, samples: NDArray[np.int16], *, rate: int, format: str | None = None) -> None:
    """Write 16-bit audio in the format of the file's suffix, or in ``format`` of libsndfile."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    subtype = "MPEG_LAYER_III" if path.suffix == ".mp3" else "PCM_16"
    soundfile.write(path, samples, rate, format=format, subtype=subtype)


def _letter(character: str, seconds: float, by: Voice, rate: int) -> NDArray[np.float64]:
    count = int(rate * seconds)
    time = np.arange(count) / rate
    glide = np.linspace(0, 1, count)
    start, end = _resonances(character)
    tones = np.zeros(count)
    for level, low, high in zip((0.5, 0.35, 0.2), start, end, strict=True):
        tones += level * np.sin(2 * np.pi * by.scale * np.cumsum(low + (high - low) * glide) / rate)
    buzz = 0.7 + 0.3 * np.sin(2 * np.pi * by.pitch * time)
    edge = max(count // 5, 1)
    envelope = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / edge)
    return 0.3 * tones * buzz * envelope


def _resonances(character: str) -> tuple[Resonances, Resonances]:
    """Places on the grid where a character starts and ends.

    A Latin letter stays where it is, and each has its own place; other characters, being many, glide from one
    to another.
    """
    letter = character.lower()[0]
    code = ord(letter)
    if "a" <= letter <= "z":
        return _place(code - ord("a")), _place(code - ord("a"))
    mixed = code * 2_654_435_761 >> 8
    return _place(mixed), _place(mixed // _PLACES)


def _place(index: int) -> Resonances:
    return _LOW[index % 5], _MIDDLE[index // 5 % 5], _HIGH[(index // 25 + index) % 3]
