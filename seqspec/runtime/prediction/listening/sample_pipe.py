"""Samples from a pipe as they come: raw 16-bit PCM, or a WAV file that is still being written."""

# T samples

from __future__ import annotations

import os
import select
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from seqspec.schema.diagnostic import DataError

WIDTH = 2
"""Bytes of a sample."""
PIECE = 4096
"""Bytes that are taken from the pipe at once, at most: 128 ms at 16 kHz, as a microphone gives them."""
UNKNOWN = 0x7FFFF000
"""From this size on a WAV header does not know how long the recording will be (or says 0)."""
MOST_HEADER = 1 << 20
OTHERS = {
    b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3": "MP3", b"FORM": "AIFF", b".snd": "AU", b"NIST": "SPHERE",
    b"RF64": "RF64", b"riff": "Wave64", b"caff": "CAF", b"\x1aE\xdf\xa3": "WebM or Matroska",
}  # fmt: skip
"""How files begin that are no raw samples."""
HEAD = 8
"""Bytes that tell them."""
MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"""Samples a second of MPEG 1, 2 and 2.5, by the two bits that tell these (ISO/IEC 11172-3, section 2.4.2)."""
MP3_KILOBITS = {
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    0: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
HELP = (
    "pipe 16-bit samples of one channel, such as those of `arecord -q -t raw -f S16_LE -c 1 -r {rate}`, "
    "or of a file by `ffmpeg -i FILE -f s16le -ac 1 -ar {rate} -`"
)


class SamplePipe:
    """``for samples in pipe``: float32 ``[T]`` in [-1, 1], as soon as any have come.

    Ends with the pipe, or once ``signals`` caught one of SIGTERM and SIGINT, whose number is then in
    ``signal``.  Raises ``DataError`` for what is no such recording, before anything is given.
    """

    def __init__(self, file: int, *, rate: int, name: str = "standard input") -> None:
        self.file = file
        self.rate = rate
        self.name = name
        self.signal: int | None = None
        self.half = False
        """The pipe ended in the middle of a sample, which is left out."""
        self.lacking = 0
        """Samples that a WAV header promised and that did not come."""
        self._wake: int | None = None

    def __iter__(self) -> Iterator[np.ndarray]:
        held, promised = self._begin()
        given = 0
        while True:
            if promised is not None:
                held = held[: promised - given]
            whole = len(held) // WIDTH * WIDTH
            if whole:
                given += whole
                yield pcm(held[:whole])
            held = held[whole:]
            if promised is not None and given >= promised - promised % WIDTH:
                return
            piece = self._read()
            if not piece:
                break
            held += piece
        self.half = bool(held)
        if promised is not None and self.signal is None:
            self.lacking = (promised - given) // WIDTH

    def _begin(self) -> tuple[bytes, int | None]:
        """The first bytes of samples, and how many there will be where a header says so."""
        head = self._at_least(b"", HEAD)
        kind = next((kind for magic, kind in OTHERS.items() if head.startswith(magic)), None)
        if head[4:8] == b"ftyp":
            kind = "MP4"
        if kind is None and (length := _mp3_frame(head)):
            # A sample may look like a frame's header by chance; two at a frame's distance do not.
            head = self._at_least(head, length + HEAD)
            kind = "MP3" if _mp3_frame(head[length:]) else None
        if kind:
            raise self._error(f"the pipe holds {kind}, not samples")
        return self._wav(head) if head.startswith(b"RIFF") else (head, None)

    def _wav(self, head: bytes) -> tuple[bytes, int | None]:
        """What follows the header of a WAV file, which must be of the run's rate."""
        head = self._at_least(head, 12)
        if head[8:12] != b"WAVE":
            raise self._error("the pipe holds a RIFF file that is no sound")
        at, known = 12, False
        while True:
            head = self._at_least(head, at + 8)
            if len(head) < at + 8 or at > MOST_HEADER:
                raise self._error("the WAV header is cut off")
            name, size = struct.unpack_from("<4sI", head, at)
            if name == b"data":
                if not known:
                    raise self._error("the WAV header does not say how the samples are written")
                return head[at + 8 :], None if size == 0 or size >= UNKNOWN else size
            if size > MOST_HEADER:
                raise self._error(f"the WAV header has a part of {size:,} bytes, which is taken for damage")
            head = self._at_least(head, at + 8 + size + size % 2)
            if name == b"fmt ":
                self._check_format(head[at + 8 : at + 8 + size])
                known = True
            at += 8 + size + size % 2

    def _check_format(self, chunk: bytes) -> None:
        if len(chunk) < 16:
            raise self._error("the WAV header is cut off")
        kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
        if kind not in (1, 0xFFFE) or bits != 16:
            raise self._error(f"the WAV file holds samples of {bits} bits in format {kind}, not of 16 bits")
        if channels != 1:
            raise self._error(f"the WAV file has {channels} channels, not one")
        if rate != self.rate:
            raise self._error(f"the WAV file has {rate:,} samples a second, and the run hears {self.rate:,}")

    def _at_least(self, held: bytes, size: int) -> bytes:
        while len(held) < size:
            piece = self._read()
            if not piece:
                break
            held += piece
        return held

    def _read(self) -> bytes:
        """What has come by now, at least a byte; nothing at the end, or after a signal."""
        watched = [self.file] if self._wake is None else [self.file, self._wake]
        if self.signal is None:
            select.select(watched, [], [])
        return b"" if self.signal is not None else os.read(self.file, PIECE)

    def _error(self, message: str) -> DataError:
        return DataError(message, file=self.name, help=HELP.format(rate=self.rate))

    @contextmanager
    def signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end the recording; what has come of it is still told."""

        def caught(number: int, frame: FrameType | None) -> None:
            self.signal = self.signal or number

        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        before: Any = {one: signal.signal(one, caught) for one in (signal.SIGTERM, signal.SIGINT)}
        old = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old)
            for one, handler in before.items():
                signal.signal(one, handler)
            os.close(self._wake)
            os.close(wake)
            self._wake = None


def _mp3_frame(head: bytes) -> int:
    """Bytes of the frame of MP3 that begins here; 0 where none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, kilobits, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version not in MP3_RATES or kilobits in (0, 15) or rate == 3:
        return 0
    bits = (144_000 if version == 3 else 72_000) * MP3_KILOBITS[version][kilobits - 1]
    return bits // MP3_RATES[version][rate] + (head[2] >> 1 & 1)


def pcm(samples: bytes) -> np.ndarray:
    """``[T]`` float32 in [-1, 1] of 16-bit little-endian samples, as audio files are read."""
    return np.frombuffer(samples, "<i2").astype(np.float32) / np.float32(32768.0)
