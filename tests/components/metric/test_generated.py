"""Fréchet distance, precision and recall of sets of features, against closed forms and plain loops."""

import numpy as np
import pytest

from seqspec.components.metric.frechet_distance import FrechetDistance, frechet_distance
from seqspec.components.metric.improved_precision import ImprovedPrecision, covered
from seqspec.components.metric.recognized_accuracy import RecognizedAccuracy
from seqspec.schema.config import Mismatch
from seqspec.schema.metric.frechet_distance import FrechetDistanceConfig
from seqspec.schema.metric.improved_precision import ImprovedPrecisionConfig
from seqspec.schema.metric.recognized_accuracy import RecognizedAccuracyConfig
from seqspec.schema.types import Classes, CriticScores, Denoising, Image, Likelihood, Logits, Nothing


def with_moments(mean_D, covariance_DD, *, count=40, seed=0):
    """Points of exactly these moments (covariance over N - 1)."""
    x_ND = np.random.default_rng(seed).standard_normal((count, len(mean_D)))
    x_ND -= x_ND.mean(0)
    x_ND = x_ND @ np.linalg.inv(np.linalg.cholesky(np.cov(x_ND, rowvar=False))).T
    return x_ND @ np.linalg.cholesky(np.asarray(covariance_DD, float)).T + np.asarray(mean_D, float)


def test_the_distance_of_normal_distributions_along_axes_is_that_of_means_and_deviations():
    """|m1 - m2|² + Σ (s1 - s2)² where covariances are diagonal: 9 + 16 + (1 - 3)² + (2 - 1)²."""
    first = with_moments([0, 0], np.diag([1.0, 4.0]))
    second = with_moments([3, 4], np.diag([9.0, 1.0]), seed=1)

    assert frechet_distance(first, second) == pytest.approx(30.0, abs=1e-9)


def test_covariances_that_do_not_commute():
    """tr(S1 + S2 - 2 (S1 S2)^½) of two-by-two matrices: tr √M = √(tr M + 2 √det M); here tr S1 S2 is 8 and both
    determinants are 3.
    """
    first, second = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[3.0, 0.0], [0.0, 1.0]])
    expected = 4 + 4 - 2 * np.sqrt(8 + 2 * 3)

    found = frechet_distance(with_moments([0, 0], first), with_moments([0, 0], second, seed=1))

    assert found == pytest.approx(expected, abs=1e-9)


def test_a_set_has_no_distance_from_itself_even_with_fewer_images_than_features():
    x = np.random.default_rng(0).standard_normal((6, 12))

    assert frechet_distance(x, x[::-1]) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(x, x + 2.0) == pytest.approx(12 * 4.0)


def test_precision_is_that_of_a_plain_loop():
    rng = np.random.default_rng(3)
    real, made = rng.standard_normal((30, 3)), rng.standard_normal((25, 3)) * 0.7 + 0.8

    def share(x, by, k):
        radii = [sorted(np.linalg.norm(by - one, axis=1))[k] for one in by]
        return np.mean(
            [any(np.linalg.norm(one - b) <= r for b, r in zip(by, radii, strict=True)) for one in x]
        )

    assert covered(made, by=real, neighbors=3) == share(made, real, 3)
    assert covered(real, by=made, neighbors=3) == share(real, made, 3)


def test_a_generator_of_one_image_is_precise_and_recalls_nothing():
    metric = ImprovedPrecision(ImprovedPrecisionConfig(run="runs/judge"), {})
    rng = np.random.default_rng(0)
    for real in rng.standard_normal((50, 4)):
        metric.update(real, np.zeros(4))

    assert metric.compute() == {"improved_precision": 1.0, "improved_recall": 0.0}
    assert "features:unknown|images:samples|count:50|neighbors:3" in metric.signature()
    assert FrechetDistance(FrechetDistanceConfig(run="runs/judge"), {}).compute() == {}


@pytest.mark.parametrize(
    ("given", "images", "message"),
    [
        (Logits(10, stride=0), "samples", "scores models that make images"),
        (Likelihood(64, latent="codes"), "samples", "the model makes no samples"),
        (CriticScores("critic"), "reconstructions", "the model makes no reconstructions"),
    ],
)
def test_models_that_make_no_such_images_are_refused(given, images, message):
    with pytest.raises(Mismatch, match=message):
        FrechetDistanceConfig(run="runs/judge", images=images).output({"given": given, "target": Nothing()})


@pytest.mark.parametrize("given", [CriticScores("critic"), Denoising(64), Likelihood(64)])
def test_models_that_make_images_are_judged(given):
    assert FrechetDistanceConfig(run="runs/judge").output({"given": given}) == Nothing()


def test_accuracy_is_of_what_was_made_beside_that_of_the_data():
    metric = RecognizedAccuracy(RecognizedAccuracyConfig(run="runs/judge", by_class=True), {})
    for name, real, made in (("a", True, True), ("a", True, False), ("b", False, True), ("b", True, True)):
        metric.update(name, real, made)

    assert metric.compute() == {
        "recognized_accuracy": 0.75, "recognized_accuracy_of_images": 0.75,
        "recognized_accuracy.a": 0.5, "recognized_accuracy.b": 1.0,
    }  # fmt: skip
    assert "classifier:unknown|images:samples|count:4" in metric.signature()


@pytest.mark.parametrize(
    ("given", "target", "message"),
    [
        (CriticScores("critic"), Classes(10), "the model is told none"),
        (Likelihood(64), Classes(10), "the model is told none"),
        (CriticScores("critic", of_classes=True), Image(1, 8, 8), "the corpus gives"),
        (Logits(10, stride=0), Classes(10), "the model is told none"),
    ],
)
def test_accuracy_is_of_models_that_are_told_a_class(given, target, message):
    with pytest.raises(Mismatch, match=message):
        RecognizedAccuracyConfig(run="runs/judge").output({"given": given, "target": target})


def test_accuracy_of_models_that_are_told_a_class_and_of_reconstructions():
    told = Denoising(64, "flow", of_classes=True)

    assert (
        RecognizedAccuracyConfig(run="runs/judge").output({"given": told, "target": Classes(10)}) == Nothing()
    )
    given_back = RecognizedAccuracyConfig(run="runs/judge", images="reconstructions")
    assert given_back.output({"given": Likelihood(64), "target": Classes(10)}) == Nothing()
