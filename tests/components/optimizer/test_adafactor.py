"""Adafactor against a transcription of Tensor2Tensor's formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqspec.components.optimizer.adafactor import Adafactor
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.optimizer.adafactor import AdafactorConfig
from seqspec.schema.types import Nothing


def built(parameters, **settings):
    config = AdafactorConfig.model_validate(
        {"schedule": {"type": "constant", "peak": 0.01}, **settings}, context=Catalogue()
    )
    return Adafactor(config, Nothing(), None).build((str(i), p) for i, p in enumerate(parameters))


def reference(
    w, gradients, *, rate=0.01, beta1=0.0, exponent=0.8, clip=1.0, eps1=1e-30, eps2=1e-3, scale=True
):
    rows, columns, mean = np.zeros(w.shape[:-1]), np.zeros((*w.shape[:-2], w.shape[-1])), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        decay = 1 - t**-exponent
        squares = g**2 + eps1
        rows = decay * rows + (1 - decay) * squares.mean(-1)
        columns = decay * columns + (1 - decay) * squares.mean(-2)
        r = (rows / rows.mean(-1, keepdims=True)) ** -0.5
        x = g * r[..., None] * columns[..., None, :] ** -0.5
        x = x / max(1.0, np.sqrt((x**2).mean()) / clip)
        x = x * rate * (max(np.sqrt((w**2).mean()), eps2) if scale else 1.0)
        mean = beta1 * mean + (1 - beta1) * x
        w = w - (mean if beta1 else x)
    return w


@pytest.mark.parametrize("settings", [{}, {"beta1": 0.9}, {"scale_by_parameter": False}])
def test_matrices_follow_the_factored_formulas(settings):
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(5, 7, generator=generator, dtype=torch.float64)
    gradients = [torch.randn(5, 7, generator=generator, dtype=torch.float64) * 10**-i for i in range(4)]
    weight = torch.nn.Parameter(start.clone())
    optimizer = built([weight], **settings)

    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()

    expected = reference(
        start.numpy(),
        [g.numpy() for g in gradients],
        beta1=settings.get("beta1", 0.0),
        scale=settings.get("scale_by_parameter", True),
    )
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-12)


def test_vectors_keep_every_square():
    weight = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = built([weight])

    weight.grad = torch.tensor([1.0, -2.0, 4.0], dtype=torch.float64)
    optimizer.step()

    # The first step's second moment is g² itself, so each element moves by rate · rms(weight) against its sign.
    torch.testing.assert_close(
        weight.detach(), 1 - 0.01 * torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)
    )


def test_state_is_sublinear():
    weight = torch.nn.Parameter(torch.randn(100, 200))
    optimizer = built([weight])

    weight.grad = torch.randn(100, 200)
    optimizer.step()

    assert sum(value.numel() for value in optimizer.state[weight].values()) < 400
