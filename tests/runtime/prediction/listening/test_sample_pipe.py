"""What a pipe may hold, and how it may end."""

import io
import os
import signal
import struct
import threading
import time
import wave

import numpy as np
import pytest

from seqspec.runtime.prediction.listening.sample_pipe import SamplePipe
from seqspec.schema.diagnostic import DataError

SAMPLES = np.arange(-3000, 3000, 7, dtype="<i2")
MP3_HEADER = b"\xff\xf3\x88\xc4"
"""Of a frame of 288 bytes: MPEG 2, layer III, 64 kbit/s, 16 kHz."""


def piped(data, *, rate=16000, pieces=None):
    """The pipe after it was read, and what it gave."""
    read, write = os.pipe()

    def send():
        for at in range(0, len(data), pieces or max(len(data), 1)):
            os.write(write, data[at : at + (pieces or len(data))])
            if pieces:
                time.sleep(0.001)
        os.close(write)

    sender = threading.Thread(target=send)
    sender.start()
    pipe = SamplePipe(read, rate=rate)
    try:
        return pipe, np.concatenate([np.empty(0, np.float32), *pipe])
    finally:
        sender.join()
        os.close(read)


def wav(samples, *, rate=16000, channels=1, width=2, size=None):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    data = file.getvalue()
    return data if size is None else data[:40] + struct.pack("<I", size) + data[44:]


@pytest.mark.parametrize("pieces", [None, 1, 333])
@pytest.mark.parametrize(
    "data", [SAMPLES.tobytes(), wav(SAMPLES), wav(SAMPLES, size=0x7FFFFFFF), wav(SAMPLES, size=0)]
)
def test_samples_are_those_of_a_file_however_they_come(data, pieces):
    pipe, given = piped(data[: 44 + 400] if pieces == 1 else data, pieces=pieces)

    expected = SAMPLES / np.float32(32768)
    np.testing.assert_array_equal(given, expected[: len(given)])
    assert len(given) == (len(SAMPLES) if pieces != 1 else (444 - 44 * (data[:4] == b"RIFF")) // 2)
    assert not pipe.half


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (wav(SAMPLES, rate=8000), "8,000 samples a second, and the run hears 16,000"),
        (wav(SAMPLES, channels=2), "2 channels"),
        (wav(SAMPLES, width=4), "32 bits"),
        (wav(SAMPLES)[:30], "cut off"),
        (wav(SAMPLES)[:13], "cut off"),
        (b"RIFF\0\0\0\0AVI LIST", "no sound"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "does not say"),
        (b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\x7f", "damage"),
        (b"fLaC\0\0\0\x22", "FLAC"),
        (b"OggS\0\0\0\x22", "Ogg"),
        (b"ID3\x04\0\0\0\0", "MP3"),
        (2 * (MP3_HEADER + bytes(284)), "MP3"),
        (b"RF64" + wav(SAMPLES)[4:], "RF64"),
        (b"riff\x2e\x91\xcf\x11", "Wave64"),
        (b"caff\0\x01\0\0", "CAF"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81", "WebM"),
        (b"\0\0\0\x20ftypM4A ", "MP4"),
    ],
)
def test_what_is_no_such_recording_is_refused(data, message):
    with pytest.raises(DataError, match=message) as caught:
        piped(data)

    assert "-r 16000" in caught.value.help


def test_samples_that_look_like_a_frame_are_samples():
    data = MP3_HEADER + SAMPLES.tobytes()

    _, given = piped(data, pieces=100)

    np.testing.assert_array_equal(given, np.frombuffer(data, "<i2") / np.float32(32768))


def test_a_pipe_that_ends_early_is_told():
    half, given = piped(SAMPLES.tobytes()[:-1])
    short, _ = piped(wav(SAMPLES)[:-200])
    empty, nothing = piped(b"")
    behind, exactly = piped(wav(SAMPLES) + b"LIST\x04\0\0\0more")

    assert half.half
    assert len(given) == len(SAMPLES) - 1
    assert short.lacking == 100
    assert not empty.half
    assert len(nothing) == 0
    assert (len(exactly), behind.half, behind.lacking) == (len(SAMPLES), False, 0)


def test_a_signal_ends_the_recording_and_handlers_are_put_back():
    read, write = os.pipe()
    pipe, before = SamplePipe(read, rate=16000), signal.getsignal(signal.SIGTERM)
    os.write(write, SAMPLES.tobytes())
    with pipe.signals():
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        given = sum(len(part) for part in pipe)
    os.close(read)
    os.close(write)

    assert given == len(SAMPLES)
    assert pipe.signal == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before
