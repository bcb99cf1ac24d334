"""Monotonic splines: their inverse and their derivative."""

import pytest
import torch

from seqspec.components._layers.rational_quadratic_spline import spline

BOUND = 3.0


def numbers(count=400, bins=5):
    torch.manual_seed(1)
    x = torch.linspace(-4, 4, count, dtype=torch.float64)
    return x, torch.randn(count, 3 * bins - 1, dtype=torch.float64) * 2


def test_the_inverse_gives_what_was_mapped():
    x, raw = numbers()

    there = spline(x, raw, bound=BOUND)
    back = spline(there.values, raw, bound=BOUND, inverse=True)

    torch.testing.assert_close(back.values, x, atol=1e-8, rtol=0)
    torch.testing.assert_close(back.log_derivative, -there.log_derivative, atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize("inverse", [False, True])
def test_the_derivative_is_autograd_s(inverse):
    x, raw = numbers()
    x = x.requires_grad_()

    given = spline(x, raw, bound=BOUND, inverse=inverse)
    (slope,) = torch.autograd.grad(given.values.sum(), x)

    torch.testing.assert_close(given.log_derivative, slope.log(), atol=1e-8, rtol=1e-8)


def test_one_spline_grows_from_edge_to_edge_and_is_the_identity_outside():
    x, raw = numbers()

    values = spline(x, raw[:1].expand(len(x), -1), bound=BOUND).values

    assert (values.diff() > 0).all()
    outside = x.abs() > BOUND
    assert torch.equal(values[outside], x[outside])
    torch.testing.assert_close(values[~outside].min(), x[~outside].min(), atol=0.05, rtol=0)


def test_equal_bins_of_slope_one_change_nothing():
    x, _ = numbers()
    raw = torch.zeros(len(x), 14, dtype=torch.float64)
    raw[:, 10:] = torch.log(torch.expm1(torch.tensor(1 - 1e-3)))

    torch.testing.assert_close(spline(x, raw, bound=BOUND).values, x, atol=1e-7, rtol=0)
