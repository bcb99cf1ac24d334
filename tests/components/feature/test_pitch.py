"""Pitch of tones, and silence where there is none."""

import numpy as np
import pytest
import torch

from seqspec.components.feature.mel_spectrogram import MelSpectrogram
from seqspec.components.feature.pitch import Pitch
from seqspec.schema.config import Mismatch
from seqspec.schema.feature.mel_spectrogram import MelSpectrogramConfig
from seqspec.schema.feature.pitch import PitchConfig
from seqspec.schema.types import Waveform

RATE = 16_000
TIME = np.arange(RATE // 2) / RATE


def voice(hertz):
    """Ten harmonics, falling."""
    return sum(np.sin(2 * np.pi * hertz * k * TIME) / k for k in range(1, 11)).astype(np.float32) / 4


@pytest.mark.parametrize("hertz", [80.0, 123.4, 220.0, 440.0])
def test_a_voice_has_its_pitch(hertz):
    found = Pitch(PitchConfig(), Waveform(RATE))(voice(hertz))

    inner = found[3:-3, 0]
    assert float((inner - hertz).abs().max()) < 0.01 * hertz


@pytest.mark.parametrize(
    "sound", [np.zeros(8000, np.float32), np.random.default_rng(0).standard_normal(8000)]
)
def test_silence_and_noise_have_none(sound):
    found = Pitch(PitchConfig(), Waveform(RATE))(np.asarray(sound, np.float32))

    assert float((found != 0).float().mean()) < 0.1


@pytest.mark.parametrize("padding", ["center", "same", "none"])
@pytest.mark.parametrize("size", [100, 513, 1024, 5000, 8000])
def test_there_are_as_many_frames_as_of_mel(padding, size):
    pitch = Pitch(PitchConfig(padding=padding), Waveform(RATE))
    mel = MelSpectrogram(MelSpectrogramConfig(padding=padding), Waveform(RATE))
    samples = voice(200.0)[:size]

    assert len(pitch(samples)) == pitch.num_frames(size) == mel.num_frames(size) == len(mel(samples))


def test_voiced_frames_are_scaled_and_unvoiced_ones_are_0():
    sound = np.concatenate([voice(200.0), np.zeros(4000, np.float32)])
    plain = Pitch(PitchConfig(), Waveform(RATE))(sound)

    scaled = Pitch(PitchConfig(scale="log", mean=5.0, deviation=0.5), Waveform(RATE))(sound)

    voiced = plain > 0
    torch.testing.assert_close(scaled[voiced], (plain[voiced].log() - 5) / 0.5, atol=1e-5, rtol=1e-5)
    assert (scaled[~voiced] == 0).all()
    assert not voiced[-8:].any()


@pytest.mark.parametrize("settings", [{"low_hz": 500.0}, {"high_hz": 5000.0}])
def test_ranges_that_hold_no_pitch_are_refused(settings):
    with pytest.raises(Mismatch):
        PitchConfig(**settings).output(Waveform(RATE))
