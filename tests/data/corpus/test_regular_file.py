"""Nothing but regular files is read, and nothing waits for a pipe."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from seqspec.data.corpus import audio
from seqspec.data.corpus import images as images
from seqspec.data.corpus.audio import AudioReader
from seqspec.data.corpus.images import read_image
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import AudioRef
from seqspec.data.regular_file import NotRegular, open_regular, read_regular
from seqspec.data.store.hashes import file_hashes
from seqspec.schema.diagnostic import DataError

pytestmark = pytest.mark.timeout(10)


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    return path


def test_a_regular_file_is_read(tmp_path):
    (tmp_path / "a").write_bytes(b"text")

    assert read_regular(tmp_path / "a") == b"text"


@pytest.mark.parametrize(("path", "kind"), [("/dev/zero", "device"), ("/dev", "folder")])
def test_what_is_no_regular_file_is_named(path, kind):
    with pytest.raises(NotRegular, match=kind):
        open_regular(path)


def test_a_pipe_is_not_waited_for(pipe, tmp_path):
    with pytest.raises(NotRegular, match="pipe"):
        open_regular(pipe)
    with pytest.raises(DataError, match="pipe"):
        list(read_lines(pipe, corpus="lines"))
    with pytest.raises(DataError, match="pipe"):
        file_hashes([pipe], root=tmp_path, memory=tmp_path)
    with pytest.raises(DataError, match="pipe"):
        AudioReader(16_000)(AudioRef(pipe))
    pytest.importorskip("PIL")
    with pytest.raises(DataError, match="pipe"):
        read_image(pipe, channels=1, height=8, width=8, resize=False)


def test_a_part_beyond_its_file_takes_no_memory(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(1600), 16_000)

    for part in ("#0+99999999999", "#99999999999+10", "#10+" + "9" * 40):
        with pytest.raises(DataError, match="are asked for, and the file has"):
            AudioReader(16_000)(AudioRef(Path(f"{tmp_path}/a.wav{part}")))


def test_a_recording_that_is_too_long_for_one_example_is_refused_by_its_header(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "MAX_AT_ONCE", 1000)
    soundfile.write(tmp_path / "a.wav", np.zeros(1600), 16_000)
    whole = AudioRef(tmp_path / "a.wav")

    with pytest.raises(DataError, match="too many for one example"):
        AudioReader(16_000).num_samples(whole)
    assert AudioReader(16_000).num_samples(whole._replace(start=0, end=900)) == 900


def test_a_sparse_recording_of_gigabytes_is_refused(tmp_path):
    head = b"RIFF" + struct.pack("<I", 2**32 - 1) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16) + b"data" + struct.pack("<I", 2**32 - 1)
    with (tmp_path / "a.wav").open("wb") as file:
        file.write(head)
        file.truncate(20 * 2**30)

    with pytest.raises(DataError, match="too many for one example"):
        AudioReader(16_000)(AudioRef(tmp_path / "a.wav"))


@pytest.mark.parametrize("size", [(60_000, 1), (1, 60_000)])
def test_a_picture_like_a_thread_is_refused_before_it_is_scaled(size, tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("L", size).save(tmp_path / "a.png")

    with pytest.raises(DataError, match="too long and narrow"):
        read_image(tmp_path / "a.png", channels=1, height=64, width=64, resize=True)
    with pytest.raises(DataError, match="not 64 × 64"):
        read_image(tmp_path / "a.png", channels=1, height=64, width=64, resize=False)
    assert images.MAX_PIXELS < 64 * 64 * 60_000
