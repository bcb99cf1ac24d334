"""Whether a model that makes images has collapsed: samples that are all alike, or a latent vector that says
nothing.
"""

# N images, B batch, Z latent features

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from seqspec.components.predictions import ImagePrediction
from seqspec.data.batching.batch import Batch

LEAST_SHARE = 0.1
"""Deviation between samples, as a share of that between images of the data, below which they are alike."""
LEAST_VARIANCE = 0.01
"""Variance of a posterior's mean from which a feature says something (Burda et al. 2016, section 5)."""


def collapsed(model: Any, batch: Batch, samples: Sequence[ImagePrediction]) -> Iterator[str]:
    """What is wrong, in a sentence each; ``samples`` are what the model has made of noise, if it has."""
    yield from filter(None, (alike_samples(model, batch, samples), silent_latent(model, batch)))


def alike_samples(model: Any, batch: Batch, samples: Sequence[ImagePrediction]) -> str | None:
    """Whether samples differ far less than images of the data."""
    real = model.references(batch) if samples and hasattr(model, "references") else ()
    if len(real) < 2 or len(samples) < 2:
        return None
    given, wanted = _deviation(samples), _deviation(real)
    if given >= LEAST_SHARE * wanted:
        return None
    return (
        f"the samples hardly differ (a deviation of {given:.2g} between them, {wanted:.2g} between "
        "images of the data): the generator has collapsed; train longer, or at a lower rate"
    )


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


def _deviation(images: Sequence[ImagePrediction]) -> float:
    """Of each value between the images, as a mean over the values."""
    pixels_N = np.stack([one.pixels_CHW for one in images]).astype(np.float64)
    return float(pixels_N.std(axis=0).mean())
