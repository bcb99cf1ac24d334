from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile

from seqspec.data.corpus.audio import AudioReader
from seqspec.data.corpus.record import AudioRef
from seqspec.schema.diagnostic import DataError

RATE = 16_000


@pytest.fixture
def tone():
    return (0.5 * np.sin(np.arange(8000) * 2 * np.pi * 440 / RATE)).astype(np.float32)


def _write(path, samples, rate=RATE, **keys):
    soundfile.write(path, samples, rate, **keys)
    return AudioRef(path)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.sph"])
def test_gives_the_samples_that_were_written(name, tone, tmp_path):
    ref = _write(tmp_path / name, tone, format="NIST" if name == "a.sph" else None, subtype="PCM_16")
    read = AudioReader(RATE)

    np.testing.assert_allclose(read(ref), tone, atol=1 / 32000)
    assert read.num_samples(ref) == len(tone)


def test_a_piece_is_a_piece(tone, tmp_path):
    whole = _write(tmp_path / "a.flac", tone)
    read = AudioReader(RATE)
    piece = whole._replace(start=100, end=350)

    np.testing.assert_array_equal(read(piece), read(whole)[100:350])
    assert read.num_samples(piece) == 250
    with pytest.raises(DataError, match="ends at sample 90000"):
        read(whole._replace(start=0, end=90000))
    with pytest.raises(DataError, match="begins at sample 400"):
        read(whole._replace(start=400, end=350))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.sph"])
def test_cut_off_files_are_refused(name, tone, tmp_path):
    noise = np.random.default_rng(0).standard_normal(8000) * 0.1
    ref = _write(tmp_path / name, noise, format="NIST" if name == "a.sph" else None, subtype="PCM_16")
    whole = ref.path.read_bytes()
    ref.path.write_bytes(whole[: len(whole) * 2 // 3])

    with pytest.raises(DataError, match=r"cut off|damaged"):
        AudioReader(RATE)(ref)


def test_cut_off_mp3s_are_refused_and_short_ones_filled(tmp_path):
    ref = _write(tmp_path / "a.mp3", np.random.default_rng(0).standard_normal(32_000) * 0.1)
    whole = ref.path.read_bytes()
    read = AudioReader(RATE)
    assert len(read(ref)) == read.num_samples(ref) == 32_000

    ref.path.write_bytes(whole[: len(whole) - 300])
    assert len(read(ref)) == read.num_samples(ref)
    ref.path.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(DataError, match=r"cut off|damaged"):
        read(ref)


def test_a_wav_with_chunks_before_its_data_is_measured(tone, tmp_path):
    ref = _write(tmp_path / "a.wav", tone, subtype="PCM_16")
    whole = ref.path.read_bytes()
    at = whole.index(b"data")
    ref.path.write_bytes(whole[:at] + b"note" + struct.pack("<I", 3) + b"abc\0" + whole[at:-200])

    with pytest.raises(DataError, match="8000 samples are promised, 7900 are there"):
        AudioReader(RATE).num_samples(ref)


def test_another_rate_is_refused_or_resampled(tone, tmp_path):
    ref = _write(tmp_path / "a.wav", tone)

    with pytest.raises(DataError, match="16000 samples a second, not 8000"):
        AudioReader(8000)(ref)
    resampled = AudioReader(8000, resample=True)
    assert len(resampled(ref)) == 4000 == resampled.num_samples(ref)
    assert abs(np.abs(np.fft.rfft(resampled(ref))).argmax() * 2 - 440) <= 2


@pytest.mark.parametrize(
    ("rate", "wanted"), [(48_000, 16_000), (44_100, 16_000), (22_050, 16_000), (8000, 11_025)]
)
@pytest.mark.parametrize("count", [1, 7, 4001, 30_000])
def test_the_length_is_known_before_resampling(rate, wanted, count, tmp_path):
    ref = _write(tmp_path / "a.wav", np.full(count, 0.1), rate)
    read = AudioReader(wanted, resample=True)

    assert len(read(ref)) == read.num_samples(ref)


def test_two_channels_are_refused_or_averaged(tone, tmp_path):
    ref = _write(tmp_path / "a.wav", np.stack([tone, -tone], axis=1), subtype="FLOAT")

    with pytest.raises(DataError, match="2 channels"):
        AudioReader(RATE)(ref)
    assert np.abs(AudioReader(RATE, mix_down=True)(ref)).max() < 1e-6


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(bad, tone, tmp_path):
    tone[17] = bad
    ref = _write(tmp_path / "a.wav", tone, subtype="FLOAT")

    with pytest.raises(DataError, match="sample 17"):
        AudioReader(RATE)(ref)


def test_empty_audio_and_foreign_files_are_refused(tmp_path):
    empty = _write(tmp_path / "a.wav", np.zeros(0))
    (tmp_path / "b.wav").write_bytes(b"hello there, this is no audio")
    (tmp_path / "c.wav").write_bytes(b"")

    with pytest.raises(DataError, match="no samples"):
        AudioReader(RATE)(empty)
    for name in ("b.wav", "c.wav"):
        with pytest.raises(DataError, match="cannot be read"):
            AudioReader(RATE)(AudioRef(tmp_path / name))
    with pytest.raises(DataError, match="does not exist"):
        AudioReader(RATE)(AudioRef(tmp_path / "d.wav"))


def test_the_message_names_corpus_and_escaped_file(tmp_path):
    with pytest.raises(DataError) as caught:
        AudioReader(RATE, corpus="mine")(AudioRef(tmp_path / "a\x1b[2J.wav"))

    assert "corpus mine" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "\\x1b[2J.wav" in str(caught.value)


def test_a_piece_may_end_a_little_behind_its_file(tone, tmp_path):
    whole = _write(tmp_path / "a.flac", tone)
    read = AudioReader(RATE)
    piece = whole._replace(start=100, end=len(tone) + RATE // 4)

    np.testing.assert_array_equal(read(piece), read(whole)[100:])
    assert read.num_samples(piece) == len(tone) - 100


def test_one_channel_of_several_is_read(tone, tmp_path):
    both = np.stack([tone, 0.5 * tone], axis=1)
    stereo, mono = _write(tmp_path / "b.wav", both), _write(tmp_path / "a.wav", tone)
    second = AudioReader(RATE, channel=2)

    np.testing.assert_allclose(second(stereo), 0.5 * tone, atol=1e-4)
    np.testing.assert_allclose(AudioReader(RATE, channel=2, mix_down=True)(stereo), 0.5 * tone, atol=1e-4)
    np.testing.assert_allclose(second(mono), tone, atol=1e-4)
    with pytest.raises(DataError, match="2 channels, and the spec reads channel 3"):
        AudioReader(RATE, channel=3)(stereo)
    with pytest.raises(DataError, match="2 channels, not one") as caught:
        AudioReader(RATE)(stereo)
    assert "`channel: mean`" in caught.value.help


@pytest.mark.parametrize("rate", [1, 2**31 - 1])
def test_a_rate_that_no_recording_has_is_damage_and_not_resampled(rate, tone, tmp_path):
    ref = _write(tmp_path / "a.wav", tone, rate)

    with pytest.raises(DataError, match=f"the header claims {rate} samples a second"):
        AudioReader(8000, resample=True)(ref)


def test_a_recording_that_was_not_finished_is_no_empty_one(tone, tmp_path):
    ref = _write(tmp_path / "a.wav", tone, subtype="PCM_16")
    whole = ref.path.read_bytes()
    ref.path.write_bytes(whole[:40] + struct.pack("<I", 0) + whole[44:])

    with pytest.raises(DataError, match="not finished: no samples are promised, and 16000 bytes") as caught:
        AudioReader(RATE).num_samples(ref)

    assert "--ignore-length" in caught.value.help


@pytest.mark.parametrize(
    ("head", "said"),
    [(b"\0\0\0\x20ftypM4A ", "MPEG-4"), (b"#!AMR\n", "AMR"), (b"hello", "format not recognised")],
)
def test_a_format_that_is_not_read_is_told_with_what_converts_it(head, said, tmp_path):
    (tmp_path / "a.wav").write_bytes(head + bytes(100))

    with pytest.raises(DataError, match=said) as caught:
        AudioReader(RATE).num_samples(AudioRef(tmp_path / "a.wav"))

    assert "ffmpeg" in caught.value.help
