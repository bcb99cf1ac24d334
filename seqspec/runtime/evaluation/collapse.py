"""Whether a model that makes images has collapsed: samples that are all alike, or a latent vector that says
nothing.
"""

# N images, P values of an image, B batch, Z latent features

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqspec.components.predictions import ImagePrediction
from seqspec.data.batching.batch import Batch

LEAST_SHARE = 0.1
"""Deviation between samples, as a share of that between images of the data, below which they are alike."""
LEAST_SHARE_OF_CLASS = 0.3
"""The same of images of one class, where the model is told it: a generator that heeds the class alone still
makes images that differ by what the classes differ in.
"""
LEAST_VARIANCE = 0.01
"""Variance of a posterior's mean from which a feature says something (Burda et al. 2016, section 5)."""


def collapsed(model: Any, batch: Batch, samples: Sequence[ImagePrediction]) -> Iterator[str]:
    """What is wrong, in a sentence each; ``samples`` are what the model has made of noise, if it has."""
    yield from filter(None, (alike_samples(model, batch, samples), silent_latent(model, batch)))


def alike_samples(model: Any, batch: Batch, samples: Sequence[ImagePrediction]) -> str | None:
    """Whether samples differ far less than images of the data, or those of a class than its images."""
    real = model.references(batch) if samples and hasattr(model, "references") else ()
    checks = [("", LEAST_SHARE, np.zeros(len(samples), np.int64), np.zeros(len(real), np.int64))]
    if getattr(model, "classes", None) is not None:  # samples are shown of the classes in turn
        turns_N = np.arange(len(samples)) % model.classes
        checks.append((" of a class", LEAST_SHARE_OF_CLASS, turns_N, batch.target.cpu().numpy()))
    for which, least, made_N, real_N in checks:
        given, wanted = _deviation(samples, made_N), _deviation(real, real_N)
        if given is not None and wanted is not None and given < least * wanted:
            return (
                f"the samples{which} hardly differ (a deviation of {given:.2g} between them, {wanted:.2g} "
                "between images of the data): the generator has collapsed; train longer, at a lower rate, or "
                "with a discriminator of more stages"
            )
    return None


def silent_latent(model: Any, batch: Batch) -> str | None:
    """Whether no feature of the latent vector varies between examples."""
    if not hasattr(model, "latents") or len(batch.index) < 2:
        return None
    with torch.no_grad():
        variance_Z = model.latents(batch).float().var(0, unbiased=False)
    if float(variance_Z.max()) >= LEAST_VARIANCE:
        return None
    return (
        "no feature of the latent vector varies between examples (a variance of at most "
        f"{float(variance_Z.max()):.2g}): the posterior has collapsed; anneal the "
        "weight of its divergence, or give it free bits"
    )


def _deviation(images: Sequence[ImagePrediction], groups_N: NDArray[np.int64]) -> float | None:
    """Of each value from the mean of its group, as a mean over the values; of groups of one there is none."""
    groups = np.unique(groups_N)
    if len(images) <= len(groups):
        return None
    pixels_NP = np.stack([one.pixels_CHW.ravel() for one in images]).astype(np.float64)
    for group in groups:
        pixels_NP[groups_N == group] -= pixels_NP[groups_N == group].mean(0)
    return float(np.sqrt(np.square(pixels_NP).sum(0) / (len(images) - len(groups))).mean())
