"""Metrics of frames."""

import math

import numpy as np
import pytest

from seqspec.components._layers.time_warping import warping_path
from seqspec.components.metric.frame_distance import FrameDistance
from seqspec.components.metric.mel_cepstral_distortion import MelCepstralDistortion
from seqspec.components.predictions import FramesPrediction
from seqspec.schema.config import Mismatch
from seqspec.schema.metric.frame_distance import FrameDistanceConfig
from seqspec.schema.metric.mel_cepstral_distortion import MelCepstralDistortionConfig
from seqspec.schema.types import Frames, Tokens

TAKES = {"target": Frames(20, rate=80), "given": Frames(20, rate=80)}
RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 20)).astype(np.float32)


def distortion(given, true, **settings):
    metric = MelCepstralDistortion(MelCepstralDistortionConfig(**{"order": 19, **settings}), TAKES)
    metric.update(*metric.measure(FramesPrediction(given, 80), FramesPrediction(true, 80)))
    return metric.compute()


def test_frames_against_themselves_have_no_distortion():
    found = distortion(X, X)

    assert found["mel_cepstral_distortion"] == pytest.approx(0, abs=1e-6)
    assert found["length_error"] == 0.0


def test_repeated_frames_cost_nothing_but_length():
    found = distortion(np.repeat(X, 2, axis=0), X)

    assert found["mel_cepstral_distortion"] == pytest.approx(0, abs=1e-5)
    assert found["length_error"] == 1.0


def test_of_full_order_it_is_the_distance_of_spectra_in_decibels():
    other = X + RNG.standard_normal(X.shape).astype(np.float32)

    found = distortion(other, X, align="none", loudness="left_out")

    decibels = 20 / math.log(10) * (other - X)
    shape = decibels - decibels.mean(1, keepdims=True)
    expected = np.sqrt(np.square(shape).mean(1)).mean()
    assert found["mel_cepstral_distortion"] == pytest.approx(expected, rel=1e-5)


def test_loudness_counts_only_where_asked():
    louder = X + np.float32(1)

    assert distortion(louder, X)["mel_cepstral_distortion"] == pytest.approx(0, abs=1e-5)
    assert distortion(louder, X, loudness="counted", align="none")["mel_cepstral_distortion"] > 6


def test_the_definition_stands_in_the_signature():
    metric = MelCepstralDistortion(MelCepstralDistortionConfig(order=13), TAKES)

    assert "order:13|c0:left_out|align:dtw" in metric.signature()


def test_the_path_is_the_cheapest_of_all():
    cost = RNG.random((5, 6))

    path = warping_path(cost)

    def best(i, j):
        if (i, j) == (0, 0):
            return cost[0, 0]
        ways = [(i - 1, j - 1), (i - 1, j), (i, j - 1)]
        return cost[i, j] + min(best(*way) for way in ways if min(way) >= 0)

    assert cost[path[:, 0], path[:, 1]].sum() == pytest.approx(best(4, 5))
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [4, 5]


def test_teacher_forced_distance_is_a_mean_over_frames():
    metric = FrameDistance(FrameDistanceConfig(norm="l2"), TAKES)

    metric.update({"l2": 3.0, "targets": 10.0})
    metric.update({"l2": 1.0, "targets": 6.0})

    assert metric.compute() == {"frame_distance": 0.25}
    assert "norm:l2" in metric.signature()


@pytest.mark.parametrize("config", [FrameDistanceConfig(), MelCepstralDistortionConfig()])
def test_frames_are_needed(config):
    with pytest.raises(Mismatch, match="compares frames"):
        config.output({"target": Tokens(5), "given": Tokens(5)})


def test_more_coefficients_than_features_are_refused():
    with pytest.raises(Mismatch, match="19 coefficients"):
        MelCepstralDistortionConfig(order=20).output(TAKES)
