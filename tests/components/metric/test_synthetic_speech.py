"""What is measured of synthetic speech: its pitch, and what a recogniser hears."""

import math
from dataclasses import replace

import numpy as np
import pytest

from seqspec.components.metric.pitch_error import PitchError
from seqspec.components.metric.recognized_cer import RecognizedCer
from seqspec.components.metric.recognized_wer import RecognizedWer
from seqspec.components.predictions import AudioPrediction, FramesPrediction
from seqspec.schema.config import Mismatch
from seqspec.schema.feature.mel_spectrogram import MelSpectrogramConfig
from seqspec.schema.metric.pitch_error import PitchErrorConfig
from seqspec.schema.metric.recognized_cer import RecognizedCerConfig
from seqspec.schema.metric.recognized_wer import RecognizedWerConfig
from seqspec.schema.types import Frames, Tokens, Waveform

RATE = 8000
FRAMES = MelSpectrogramConfig(num_bins=12, fft_samples=256, hop_samples=64, high_hz=4000.0).output(
    Waveform(RATE)
)
TAKES = {"target": FRAMES, "given": FRAMES}


def said(*parts):
    """Harmonics of each pitch for half a second; noise where it is 0."""
    random, pieces = np.random.default_rng(0), []
    for hertz in parts:
        time = np.arange(RATE // 2) / RATE
        tones = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in (1, 2, 3))
        pieces.append(0.1 * (tones if hertz else random.standard_normal(len(time))))
    samples = np.concatenate(pieces).astype(np.float32)
    frames = np.full((len(samples) // 64 + 1, 12), 0.0, np.float32)
    return FramesPrediction(frames, RATE / 64, lambda: AudioPrediction(samples, RATE))


def pitch_error(given, true, **settings):
    metric = PitchError(PitchErrorConfig(**{"align": "none", **settings}), TAKES)
    metric.update(*metric.measure(given, true))
    return metric.compute()


@pytest.mark.parametrize("hertz", [100.0, 180.0])
def test_a_semitone_is_a_hundred_cents(hertz):
    found = pitch_error(said(hertz * 2 ** (1 / 12)), said(hertz))

    assert found["pitch_error"] == pytest.approx(100.0, abs=3.0)
    assert found["voicing_error"] == pytest.approx(0.0, abs=0.04)


def test_hertz_are_what_they_are_and_equal_sounds_have_no_error():
    assert pitch_error(said(210.0), said(200.0), unit="hertz")["pitch_error"] == pytest.approx(10, abs=0.5)
    assert pitch_error(said(150.0), said(150.0)) == {"pitch_error": 0.0, "voicing_error": 0.0}
    assert pitch_error(said(150.0), said(150.0), align="dtw")["pitch_error"] == pytest.approx(0.0)


def test_what_only_one_side_voices_is_an_error_of_voicing_alone():
    found = pitch_error(said(150.0, 150.0), said(150.0, 0.0))

    assert found["voicing_error"] == pytest.approx(0.5, abs=0.05)
    assert found["pitch_error"] < 60.0


def test_without_a_frame_that_both_voice_the_error_is_the_whole_range():
    found = pitch_error(said(0.0), said(150.0), low_hz=100.0, high_hz=400.0)

    assert found["pitch_error"] == pytest.approx(2400.0)
    assert found["voicing_error"] > 0.9


def test_pitch_needs_a_sound_and_a_range():
    with pytest.raises(Mismatch, match="hears the sound"):
        PitchErrorConfig().output({"target": Frames(80), "given": Frames(80)})
    with pytest.raises(Mismatch, match="not below"):
        PitchErrorConfig(low_hz=300.0, high_hz=200.0).output(TAKES)
    with pytest.raises(Mismatch, match="no four samples"):
        PitchErrorConfig(high_hz=3000.0).output(TAKES)
    assert math.isfinite(PitchError(PitchErrorConfig(), TAKES).compute()["pitch_error"])


class NoParts:
    def list(self, name):
        return []


@pytest.mark.parametrize(
    ("kind", "config", "rate"),
    [
        (RecognizedWer, RecognizedWerConfig(run="r"), 1 / 3),
        (RecognizedCer, RecognizedCerConfig(run="r"), 6 / 13),
        (RecognizedCer, RecognizedCerConfig(run="r", spaces="strip"), 5 / 11),
    ],
)
def test_what_is_heard_is_compared_with_the_text_beside_what_is_heard_of_the_recordings(kind, config, rate):
    metric, text = kind(config, {}, NoParts()), "one two three"
    metric.recognizer = Hears()
    given, true = (FramesPrediction(np.zeros((1, 1), np.float32), 1.0, sound) for sound in (short, long))

    metric.update(*metric.measure(given, true, text=text, device=None))
    metric.update(*metric.measure(replace(given, sound=None), None, text=text, device=None))

    assert metric.compute()[metric.name] == pytest.approx(rate)
    assert metric.compute()[f"{metric.name}_of_recordings"] == 0.0
    assert "recognizer:0123456789ab" in metric.signature()


class Hears:
    weights = "0123456789abcdef"

    def __call__(self, sound, *, device):
        return "one two" if len(sound.samples_T) == 1 else "one two three"


def short():
    return AudioPrediction(np.zeros(1, np.float32), RATE)


def long():
    return AudioPrediction(np.zeros(2, np.float32), RATE)


def test_models_without_sound_are_refused():
    with pytest.raises(Mismatch, match="hears what a model of speech says"):
        RecognizedWerConfig(run="r").wire({"target": Tokens(9), "given": Tokens(9)}, Flows())


class Flows:
    def nodes(self, name, source):
        return source
