"""Models that have collapsed are told."""

import numpy as np
import torch

from seqspec.components.predictions import ImagePrediction
from seqspec.data.batching.batch import Batch
from seqspec.runtime.evaluation.collapse import collapsed

BATCH = Batch.pair(torch.zeros(4, 1, 2, 2), None, torch.zeros(4, dtype=torch.int64), None, torch.arange(4))


def images(spread, count=4):
    rng = np.random.default_rng(0)
    return [
        ImagePrediction((128 + rng.uniform(-spread, spread, (1, 2, 2))).astype(np.uint8))
        for _ in range(count)
    ]


class Model:
    def __init__(self, spread, classes=None):
        self.spread, self.classes = spread, classes

    def references(self, batch):
        return images(100)

    def latents(self, batch):
        return torch.tensor([[0.0, 1.0], [0.0, -1.0], [0.0, 0.0], [0.0, 0.0]]) * self.spread


def test_samples_that_differ_and_a_latent_that_speaks_are_well():
    assert list(collapsed(Model(1.0), BATCH, images(80))) == []
    assert list(collapsed(torch.nn.Linear(1, 1), BATCH, [])) == []


def test_samples_that_are_alike_and_a_silent_posterior_are_told():
    samples, posterior = collapsed(Model(0.01), BATCH, images(2))

    assert "the generator has collapsed" in samples
    assert "the posterior has collapsed" in posterior


def test_samples_of_a_class_that_are_alike_are_told_though_classes_differ():
    batch = Batch.pair(torch.zeros(4, 1, 2, 2), None, torch.tensor([0, 0, 1, 1]), None, torch.arange(4))
    dark, bright = (ImagePrediction(np.full((1, 2, 2), value, np.uint8)) for value in (30, 220))

    (told,) = collapsed(Model(1.0, classes=2), batch, [dark, bright] * 3)

    assert "the samples of a class hardly differ" in told
    assert list(collapsed(Model(1.0), batch, [dark, bright] * 3)) == []
    assert list(collapsed(Model(1.0, classes=2), batch, images(80, count=6))) == []
