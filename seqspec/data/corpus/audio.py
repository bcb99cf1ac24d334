"""Reading audio: float32 in [-1, 1], one channel, at the rate that the spec states, checked against the
file's own header.

A file that is shorter than its header says, holds NaN, or has another rate or more channels is refused with a
message; resampling and mixing down happen only where the spec asks for them.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seqspec.data.corpus.audio_kinds import CONVERT, FINISH, bytes_behind_empty_data, unread_format
from seqspec.data.corpus.lines import file_head, refuse_stand_in
from seqspec.data.corpus.near_names import near_name
from seqspec.data.corpus.record import AudioRef
from seqspec.data.printable import show
from seqspec.data.regular_file import open_regular, require_regular
from seqspec.schema.diagnostic import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SAMPLES = 2**31
"""Samples of a file (12 hours at 48 kHz); a header that claims more is taken for damage."""

MAX_AT_ONCE = 2**28
"""Samples of one piece, over its channels: 4.6 hours at 16 kHz, which take 1 GiB.  A longer one is refused
before memory is taken for it.
"""

MAX_RATIO = 1000
"""Between the rate of a file and the one it is resampled to: a header beyond it is taken for damage."""

MP3_SLACK_SECONDS = 0.25
"""By which an MP3 may be shorter than its header lets one estimate."""

HEAD = 1024
"""Bytes of a file in which its header is looked for."""

_HELD = re.compile(r"(.+)#(\d+)\+(\d+)", re.DOTALL)
_PCM = (1, 3, 0xFFFE)
"""WAV formats whose block is one sample of each channel: integers, floats and extensible."""


OVERSHOOT_SECONDS = 0.5
"""By which a piece may end after its file, as a rounded or padded time does: Kaldi's ``--max-overshoot``."""


class Header(NamedTuple):
    """What a file says of itself."""

    frames: int
    rate: int
    channels: int


_COMPRESSED = ("MP3", "OGG", "FLAC")
"""Formats, by libsndfile's names, that are no WAV or SPHERE and promise no length that is looked for."""


@dataclass(frozen=True, slots=True)
class AudioReader:
    """Reads ``AudioRef``s of one corpus; can be pickled to loader workers."""

    rate: int
    """Samples a second of what is given."""
    resample: bool = False
    """Resample files of any rate to ``rate`` (soxr, its very high quality recipe); otherwise another rate is
    an error.
    """
    mix_down: bool = False
    """Average the channels; otherwise more than one channel is an error."""
    channel: int | None = None
    """The channel, from 1, that is read of files with several; instead of their average."""
    corpus: str = ""

    def __call__(self, ref: AudioRef) -> NDArray[np.float32]:
        """The samples of a piece: ``[T]`` float32."""
        with _opened(ref.path, self.corpus) as file:
            return self._samples(ref, file, self._checked(ref, file))

    def num_samples(self, ref: AudioRef) -> int:
        """Samples of a piece after resampling, from the header alone."""
        with _opened(ref.path, self.corpus) as file:
            return self._length(ref, self._checked(ref, file))

    def with_length(self, ref: AudioRef) -> tuple[int, NDArray[np.float32] | DataError]:
        """``num_samples`` and, from the same opening of the file, the samples, or the error that stands in
        their way.
        """
        with _opened(ref.path, self.corpus) as file:
            header = self._checked(ref, file)
            try:
                return self._length(ref, header), self._samples(ref, file, header)
            except DataError as error:
                return self._length(ref, header), error

    def _samples(self, ref: AudioRef, file: Any, header: Header) -> NDArray[np.float32]:
        start, end = _piece(ref, header.frames)
        samples = self._read(ref, file, start, end)
        estimated = file.format == "MP3"  # without a length tag
        lacking = end - start - len(samples)
        if lacking > (MP3_SLACK_SECONDS * header.rate if estimated else 0):
            message = f"the audio is cut off: {end - start} samples are promised, {len(samples)} are there"
            raise self._error(ref, message)
        mono = self._one_channel(ref, samples, header.rate)
        return _exactly(mono, self._length(ref, header))

    def _length(self, ref: AudioRef, header: Header) -> int:
        start, end = _piece(ref, header.frames)
        return _resampled_length(end - start, header.rate, self.rate)

    def _checked(self, ref: AudioRef, file: Any) -> Header:
        header = Header(max(file.frames, 0), file.samplerate, file.channels)
        promised = None if file.format in _COMPRESSED else _promised_frames(ref.path)
        if promised is not None and promised > header.frames:
            raise self._error(
                ref, f"the audio is cut off: {promised} samples are promised, {header.frames} are there"
            )
        behind = 0 if header.frames or not ref.path.is_file() else _unpromised(ref.path)
        if behind:
            message = f"the recording was not finished: no samples are promised, and {behind} bytes follow"
            raise self._error(ref, message, help=FINISH)
        if header.frames > MAX_SAMPLES:
            raise self._error(ref, f"the header claims {header.frames} samples, which is taken for damage")
        if header.rate != self.rate and not self.resample:
            message = f"the audio has {header.rate} samples a second, not {self.rate}"
            raise self._error(
                ref, message, help="convert the recordings, or set `resample` where the adapter has it"
            )
        if max(header.rate, self.rate) > MAX_RATIO * max(min(header.rate, self.rate), 1):
            raise self._error(
                ref, f"the header claims {header.rate} samples a second, which is taken for damage"
            )
        if header.channels != 1 and not self.mix_down and not self.channel:
            help = "convert the recordings, or set `channel: mean` where the adapter has it"
            raise self._error(ref, f"the audio has {header.channels} channels, not one", help=help)
        if self.channel and 1 < header.channels < self.channel:
            message = f"the audio has {header.channels} channels, and the spec reads channel {self.channel}"
            raise self._error(ref, message)
        if ref.end is not None and ref.end > header.frames + OVERSHOOT_SECONDS * header.rate:
            raise self._error(ref, f"the piece ends at sample {ref.end}, the file at {header.frames}")
        if ref.start is not None and not 0 <= ref.start <= _piece(ref, header.frames)[1]:
            raise self._error(ref, f"the piece begins at sample {ref.start}, behind its end")
        start, end = _piece(ref, header.frames)
        if (end - start) * header.channels > MAX_AT_ONCE:
            message = f"{end - start} samples of {header.channels} channels are too many for one example"
            raise self._error(ref, message, help="cut the recording into pieces")
        return header

    def _read(self, ref: AudioRef, file: Any, start: int, end: int) -> NDArray[np.float32]:
        import soundfile

        try:
            if start:
                file.seek(start)
            file.seekable = _never  # soundfile would ask for the place and seek to it again after reading
            samples: NDArray[np.float32] = file.read(end - start, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise self._error(ref, f"the audio is damaged: {_reason(error)}") from None
        return samples

    def _one_channel(self, ref: AudioRef, samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        import numpy as np

        if samples.shape[1] == 1 or self.channel:
            mono = samples[:, 0 if samples.shape[1] == 1 else (self.channel or 1) - 1]
        else:
            mono = samples.mean(axis=1, dtype=np.float32)
        if not np.isfinite(mono).all():
            raise self._error(
                ref, f"sample {int(np.flatnonzero(~np.isfinite(mono))[0])} is not a finite number"
            )
        if len(mono) == 0:
            raise self._error(ref, "the audio holds no samples")
        if rate != self.rate:
            import soxr

            mono = soxr.resample(mono, rate, self.rate, quality="VHQ").astype(np.float32, copy=False)
        return np.ascontiguousarray(mono)

    def _error(self, ref: AudioRef, message: str, *, help: str | None = None) -> DataError:
        return DataError(message, corpus=self.corpus, file=show(ref.path), help=help)


def _never() -> bool:
    return False


def file_rate(path: Path) -> int:
    """Samples a second, as the file's own header says."""
    with _opened(path, "") as file:
        return int(file.samplerate)


def _resampled_length(samples: int, rate: int, wanted: int) -> int:
    return -(-samples * wanted // rate)


def _exactly(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """The length that the header told: a resampler's last sample, or what an MP3 lacks, is silence."""
    import numpy as np

    if len(samples) == length:
        return samples
    fitted = np.zeros(length, np.float32)
    fitted[: len(samples)] = samples[:length]
    return fitted


def _opened(path: Path, corpus: str) -> Any:
    import soundfile

    size = _size(path)
    held = None if size is not None else _held(path)
    if size is None and held is None and not os.path.lexists(path):
        near = near_name(path)
        message = "the audio file does not exist" + (f"; {near}" if near else "")
        raise DataError(message, corpus=corpus, file=show(path))
    try:
        if held is None and not (require_regular(path).st_size if size is None else size):
            raise DataError("the audio cannot be read: the file is empty", corpus=corpus, file=show(path))
        source = os.fsencode(path) if held is None else BytesIO(_part(*held, corpus=corpus))
        return soundfile.SoundFile(source)
    except (FileNotFoundError, ValueError):  # no path holds a NUL
        raise DataError("the audio file does not exist", corpus=corpus, file=show(path)) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"the audio cannot be read: {reason}", corpus=corpus, file=show(path)) from None
    except soundfile.LibsndfileError as error:
        head = file_head(path) if held is None else b""
        refuse_stand_in(head, path, corpus=corpus)
        known = unread_format(head)
        message = f"the audio cannot be read: {_reason(error) if known is None else f'it is {known}'}"
        raise DataError(message, corpus=corpus, file=show(path), help=CONVERT) from None


def _size(path: Path) -> int | None:
    """Bytes of a regular file; ``None`` where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # told by what looks again; no path holds a NUL
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _held(path: Path) -> tuple[Path, int, int] | None:
    """The file that holds an audio file, with the place in bytes; see ``AudioRef``."""
    match = _HELD.fullmatch(path.name)
    file = path.with_name(match[1]) if match is not None else None
    if match is None or file is None or not file.is_file():
        return None
    return file, int(match[2]), int(match[3])


def _part(file: Path, offset: int, length: int, *, corpus: str) -> bytes:
    """The audio file that another one holds.  Raises ``DataError`` where it would end behind that one."""
    size = require_regular(file).st_size
    if offset + length > size:
        message = f"bytes {offset} to {offset + length} are asked for, and the file has {size}"
        raise DataError(message, corpus=corpus, file=show(file))
    return _bytes(file, offset, length)


def _bytes(file: Path, offset: int, length: int) -> bytes:
    """A part of a file, as much of it as is there: its place comes from a text that may be wrong."""
    with open_regular(file) as opened:
        size = os.fstat(opened.fileno()).st_size
        if offset >= size:
            return b""
        opened.seek(offset)
        return opened.read(min(length, size - offset))


def _reason(error: Any) -> str:
    """The words of libsndfile, without the word error before them."""
    text = str(error.error_string).rstrip(".").lower()
    return show(text.removeprefix("error").lstrip(" :"))


def _piece(ref: AudioRef, frames: int) -> tuple[int, int]:
    return ref.start or 0, frames if ref.end is None else min(ref.end, frames)


def _promised_frames(path: Path) -> int | None:
    """Samples that the header of a WAV or SPHERE file promises; libsndfile quietly gives fewer where the file
    is cut off.
    """
    file, offset, length = (path, 0, HEAD) if path.is_file() else _held(path) or (path, 0, HEAD)
    head = _bytes(file, offset, min(length, HEAD))
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return _wav_frames(head)
    if head[:7] == b"NIST_1A":
        return _sphere_frames(head)
    return None


def _unpromised(path: Path) -> int:
    """Bytes behind a header that promises none."""
    return bytes_behind_empty_data(_bytes(path, 0, HEAD), path.stat().st_size)


def _wav_frames(head: bytes) -> int | None:
    """The ``data`` chunk's size over the block size, where both stand in the first KiB and the size is not a
    placeholder.
    """
    at, block, format_ = 12, 0, 0
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        if name == b"fmt " and at + 22 <= len(head):
            format_, block = struct.unpack_from("<H10xH", head, at + 8)
        if name == b"data":
            streamed = size in (0, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFE)
            return None if streamed or not block or format_ not in _PCM else size // block
        at += 8 + size + size % 2
    return None


def _sphere_frames(head: bytes) -> int | None:
    for line in head.split(b"\n"):
        parts = line.split()
        if parts[:2] == [b"sample_count", b"-i"] and len(parts) == 3 and parts[2].isdigit():
            return int(parts[2])
    return None
