"""Mel frames of speech synthesis against published and measured numbers."""

import math

import numpy as np
import pytest
import torch

from seqspec.components._layers.mel import mel_filters
from seqspec.components.feature.mel_spectrogram import MelSpectrogram
from seqspec.schema.config import Mismatch
from seqspec.schema.feature.mel_spectrogram import MelSpectrogramConfig
from seqspec.schema.types import Waveform

RATE = 22_050
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)


def feature(rate=RATE, **settings):
    return MelSpectrogram(MelSpectrogramConfig(**settings), Waveform(rate))


def filters(rate=RATE, **settings):
    made = feature(rate, **settings)
    return mel_filters(made.mel, made.num_bins)


@pytest.mark.parametrize(
    ("rate", "settings", "total"),
    [
        (RATE, {}, 3.7136884),
        (RATE, {"high_hz": None}, 3.7146473),
        (24_000, {"fft_samples": 2048, "low_hz": 80.0, "high_hz": 7600.0}, 6.826818),
        (RATE, {"scale": "htk", "norm": "none"}, 364.81),
    ],
)
def test_filters_have_the_published_sums(rate, settings, total):
    assert float(filters(rate, **settings).sum()) == pytest.approx(total, rel=2e-5)


def test_filters_are_those_of_librosa():
    filters_FM = filters()

    row = filters_FM[:, 0]
    assert row.nonzero().flatten().tolist() == [1, 2, 3]
    torch.testing.assert_close(
        row[1:4], torch.tensor([0.01552772, 0.02265139, 0.00712367]), atol=1e-8, rtol=1e-5
    )
    last = filters_FM[:, 79].nonzero().flatten()
    assert (int(last[0]), int(last[-1])) == (345, 371)
    assert float(filters_FM.max()) == pytest.approx(0.026492536, rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "frames", "mean"),
    [({}, 87, -9.162698), ({"padding": "same", "epsilon": 1e-9}, 86, -9.195173)],
)
def test_a_tone_has_the_measured_frames(settings, frames, mean):
    made = feature(**settings)

    x = made(TONE)

    assert x.shape == (frames, 80)
    assert made.num_frames(len(TONE)) == frames
    assert float(x.max()) == pytest.approx(1.4427963, abs=2e-5)
    assert int(x[40].argmax()) == 11
    assert float(x.mean()) == pytest.approx(mean, abs=2e-4)


def test_silence_is_the_logarithm_of_the_floor():
    x = feature()(np.zeros(4000, np.float32))

    assert x.unique().tolist() == [pytest.approx(math.log(1e-5), abs=1e-6)]


def test_numbers_are_shifted_and_scaled_as_the_spec_says():
    plain, scaled = feature()(TONE), feature(mean=-5.5, deviation=2.0, log="natural")(TONE)

    torch.testing.assert_close(scaled, (plain + 5.5) / 2)


@pytest.mark.parametrize(("padding", "least"), [("center", 513), ("same", 385), ("none", 1024)])
def test_a_recording_too_short_for_a_transform_has_no_frame(padding, least):
    made = feature(padding=padding)

    assert made(np.zeros(least - 1, np.float32)).shape == (0, 80)
    assert made.num_frames(least - 1) == 0
    assert len(made(np.zeros(least, np.float32))) == made.num_frames(least) > 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"high_hz": 12_000.0}, "above half the sample rate"),
        ({"low_hz": 9000.0}, "not below the upper edge"),
        ({"window_samples": 2048}, "does not fit"),
        ({"hop_samples": 1100}, "leaves out"),
        ({"num_bins": 400}, "too many"),
        ({"hop_samples": 255, "padding": "same"}, "whole number"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(settings, words):
    with pytest.raises(Mismatch, match=words):
        MelSpectrogramConfig(**settings).output(Waveform(RATE))
