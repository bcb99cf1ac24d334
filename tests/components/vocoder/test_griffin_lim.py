"""Waveforms of mel frames."""

import numpy as np
import pytest
import torch

from seqspec.components._layers.mel import mel_filters, spectrum
from seqspec.components.feature.mel_spectrogram import MelSpectrogram
from seqspec.components.feature.pitch import Pitch
from seqspec.components.vocoder.griffin_lim import GriffinLim, magnitudes
from seqspec.schema.config import Mismatch
from seqspec.schema.feature.mel_spectrogram import MelSpectrogramConfig
from seqspec.schema.feature.pitch import PitchConfig
from seqspec.schema.types import Frames, Waveform
from seqspec.schema.vocoder.griffin_lim import GriffinLimConfig
from tests.components.feature.test_pitch import RATE, voice


def copied(sound, iterations=32, **settings):
    """The sound again, from its frames alone; and the frames."""
    config = MelSpectrogramConfig(**settings)
    frames = MelSpectrogram(config, Waveform(RATE))(sound)
    vocoder = GriffinLim(GriffinLimConfig(iterations=iterations), config.output(Waveform(RATE)))
    return vocoder.sound(frames), frames, MelSpectrogram(config, Waveform(RATE))


@pytest.mark.parametrize(
    "settings", [{}, {"padding": "same"}, {"log": "ten", "mean": -2.0, "deviation": 3.0}]
)
def test_copy_synthesis_keeps_frames_and_pitch(settings):
    sound = voice(150.0)

    heard, frames, feature = copied(sound, **settings)

    assert heard.rate == RATE
    assert abs(len(heard.samples_T) - len(sound)) < 256
    again = feature(heard.samples_T)[3:-3]
    scale = frames[3 : 3 + len(again)].std()
    assert float((again - frames[3 : 3 + len(again)]).abs().mean() / scale) < 0.15
    pitch = Pitch(PitchConfig(), Waveform(RATE))(heard.samples_T)[4:-4]
    assert float((pitch - 150).abs().median()) < 3


def test_more_rounds_come_nearer_to_the_spectrum():
    config = MelSpectrogramConfig()
    source = config.output(Waveform(RATE))
    frames = MelSpectrogram(config, Waveform(RATE))(voice(150.0))
    wanted = magnitudes(frames, source.mel, 80)

    def distance(iterations):
        wave = GriffinLim(GriffinLimConfig(iterations=iterations), source).wave(frames)
        return float((spectrum(wave[None], source.mel)[0].abs() - wanted).norm() / wanted.norm())

    assert distance(40) < 0.7 * distance(1)


@pytest.mark.parametrize("kind", ["magnitude", "power"])
def test_magnitudes_have_the_frames_that_they_were_found_for(kind):
    config = MelSpectrogramConfig(spectrum=kind)
    mel = config.output(Waveform(RATE)).mel
    frames = MelSpectrogram(config, Waveform(RATE))(
        np.random.default_rng(0).standard_normal(8000).astype("f4")
    )

    found = magnitudes(frames, mel, 80)

    weight = found if kind == "magnitude" else found.square()
    again = (weight.T @ mel_filters(mel, 80)).clamp_min(1e-5).log()
    assert float((again - frames).abs().mean()) < 0.01


def test_the_same_frames_sound_the_same():
    one, other = (copied(voice(150.0))[0] for _ in range(2))

    assert (one.samples_T == other.samples_T).all()


def test_no_frame_is_no_sound():
    config = MelSpectrogramConfig().output(Waveform(RATE))

    assert len(GriffinLim(GriffinLimConfig(), config).sound(torch.empty(0, 80)).samples_T) == 0


def test_frames_of_unknown_make_are_refused():
    with pytest.raises(Mismatch, match="must know how the frames were made"):
        GriffinLimConfig().output(Frames(80))


def test_sound_stays_within_its_range():
    config = MelSpectrogramConfig().output(Waveform(RATE))

    heard = GriffinLim(GriffinLimConfig(iterations=2), config).sound(torch.full((20, 80), 5.0))

    assert np.abs(heard.samples_T).max() <= 1
