"""Log-mel features against Kaldi's own code."""

import kaldi_native_fbank as knf
import numpy as np
import pytest
import torch

from seqspec.components.feature.log_mel import LogMel, _with_deltas
from seqspec.schema.config import Mismatch
from seqspec.schema.feature.log_mel import LogMelConfig
from seqspec.schema.types import Frames, Tokens, Waveform

RATE = 16_000


def speech_like(seconds, *, seed=0):
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 120 * k * time + k) / k for k in range(1, 30))
    loudness = np.clip(np.sin(2 * np.pi * 2 * time), 0, 1)
    noisy = 0.05 * voice * loudness + 1e-4 * rng.standard_normal(len(time)) + 0.01
    return np.where(time % 1 > 0.8, 0, noisy).astype(np.float32)  # digital silence reaches the floor


def kaldi(samples, *, scale=1.0, **changes):
    options = knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = 80
    for name, value in changes.items():
        setattr(options.mel_opts if hasattr(options.mel_opts, name) else options.frame_opts, name, value)
    fbank = knf.OnlineFbank(options)
    fbank.accept_waveform(RATE, (samples * scale).tolist())
    fbank.input_finished()
    return np.stack([fbank.get_frame(k) for k in range(fbank.num_frames_ready)])


@pytest.mark.parametrize(
    ("config", "changes", "scale"),
    [
        ({}, {}, 1.0),
        ({"low_hz": 125.0, "high_hz": 7600.0}, {"low_freq": 125.0, "high_freq": 7600.0}, 1.0),
        ({"window": "hamming", "scale": "int16"}, {"window_type": "hamming"}, 32768.0),
        ({"preemphasis": 0.0, "remove_dc": False}, {"preemph_coeff": 0.0, "remove_dc_offset": False}, 1.0),
    ],
)
def test_features_are_within_2e_3_of_kaldi(config, changes, scale):
    samples = speech_like(3.1)

    ours = LogMel(LogMelConfig(**config), Waveform(RATE))(samples).numpy()

    theirs = kaldi(samples, scale=scale, **changes)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 2e-3


def test_energy_stands_first_as_in_kaldi():
    samples = speech_like(0.5)
    options = knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = 80
    options.use_energy = True
    fbank = knf.OnlineFbank(options)
    fbank.accept_waveform(RATE, samples.tolist())
    fbank.input_finished()

    ours = LogMel(LogMelConfig(energy="first"), Waveform(RATE))(samples)

    assert ours.shape == (fbank.num_frames_ready, 81)
    assert abs(ours[7, 0].item() - fbank.get_frame(7)[0]) < 2e-3


@pytest.mark.parametrize("num_samples", [0, 1, 399, 400, 559, 560, 16_000, 16_000 * 6 + 13])
def test_number_of_frames_is_what_num_frames_says(num_samples):
    feature = LogMel(LogMelConfig(), Waveform(RATE))

    frames = feature(np.zeros(num_samples, np.float32))

    assert frames.shape == (feature.num_frames(num_samples), 80)
    assert frames.isfinite().all()


def test_blocks_leave_no_seam():
    samples = speech_like(6.0)
    feature = LogMel(LogMelConfig(), Waveform(RATE))

    whole = feature(samples)

    torch.testing.assert_close(
        whole[250:300], feature(samples[250 * 160 : 299 * 160 + 400]), atol=1e-4, rtol=0
    )


def test_deltas_are_channels_and_a_ramp_has_slope_one():
    ramp = torch.arange(20.0)[:, None].repeat(1, 3)
    x = _with_deltas(ramp, 2)

    assert x.shape == (20, 9)
    torch.testing.assert_close(x[2:-2, 3:6], torch.ones(16, 3))
    torch.testing.assert_close(x[4:-4, 6:], torch.zeros(12, 3))


def test_dither_is_the_same_every_time_and_changes_the_features():
    samples = speech_like(0.3)
    noisy = LogMel(LogMelConfig(dither=1e-3), Waveform(RATE))

    assert torch.equal(noisy(samples), noisy(samples))
    assert not torch.equal(noisy(samples), LogMel(LogMelConfig(), Waveform(RATE))(samples))


def test_samples_that_may_not_be_written_to_are_read():
    samples = speech_like(0.1)
    samples.flags.writeable = False

    assert LogMel(LogMelConfig(), Waveform(RATE))(samples).shape == (8, 80)


def test_declared_type():
    assert LogMelConfig().output(Waveform(RATE)) == Frames(dim=80, rate=100)
    assert LogMelConfig(deltas=2).output(Waveform(RATE)) == Frames(dim=240, rate=100, channels=3)
    assert LogMelConfig(num_bins=23, high_hz=3700.0).output(Waveform(8000)).dim == 23


@pytest.mark.parametrize(
    ("config", "source", "field", "words"),
    [
        ({"high_hz": 9000.0}, Waveform(RATE), ("high_hz",), "half the sample rate"),
        ({"low_hz": 8000.0}, Waveform(RATE), ("low_hz",), "not below"),
        ({"num_bins": 400}, Waveform(RATE), ("num_bins",), "too many"),
        ({"hop_seconds": 1e-5}, Waveform(RATE), ("hop_seconds",), "less than 1 sample"),
        ({}, Tokens(5), (), "waveform"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(config, source, field, words):
    with pytest.raises(Mismatch, match=words) as caught:
        LogMelConfig(**config).output(source)

    assert caught.value.at == field
