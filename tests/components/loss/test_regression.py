"""Distances between numbers, and the cross entropy of pixels."""

import pytest
import torch
from torch.nn import functional

from seqspec.components.loss.regression import Regression
from seqspec.schema.config import Mismatch
from seqspec.schema.loss.regression import RegressionConfig
from seqspec.schema.types import Clip, Frames

CLIP = Clip(4, height=2, width=2)


def loss_of(norm, predicted, reference, lengths):
    return Regression(RegressionConfig(norm=norm), CLIP)(predicted, reference, torch.tensor(lengths))


@pytest.mark.parametrize(
    ("norm", "torchs"),
    [
        ("l1", functional.l1_loss),
        ("l2", functional.mse_loss),
        ("cross_entropy", functional.binary_cross_entropy),
    ],
)
def test_it_is_torchs_summed_over_real_frames(norm, torchs):
    generator = torch.Generator().manual_seed(0)
    predicted, reference = torch.rand(2, 2, 3, 4, generator=generator)

    found = loss_of(norm, predicted, reference, [3, 1])

    real = [torchs(predicted[0], reference[0]) * 3, torchs(predicted[1, :1], reference[1, :1])]
    torch.testing.assert_close(found.total, sum(real))
    assert int(found.count) == 4


def test_a_pixel_that_is_certain_has_a_finite_loss_and_gradient():
    predicted = torch.tensor([[[0.0, 1.0, 0.0, 1.0]]], requires_grad=True)

    total = loss_of("cross_entropy", predicted, 1 - predicted.detach(), [1]).total
    total.backward()

    assert torch.isfinite(total)
    assert torch.isfinite(predicted.grad).all()


def test_evaluation_tells_both_distances_beside_the_loss():
    with torch.no_grad():
        found = loss_of("cross_entropy", torch.full((1, 1, 4), 0.5), torch.ones(1, 1, 4), [1])

    assert found.terms.keys() == {"cross_entropy", "l1", "l2"}
    assert float(found.terms["l2"]) == 0.25


def test_the_cross_entropy_reads_pixels_alone():
    with pytest.raises(Mismatch, match=r"compares pixels in \[0, 1\]"):
        RegressionConfig(norm="cross_entropy").output(Frames(80))
    assert RegressionConfig(norm="cross_entropy").output(CLIP) == CLIP
