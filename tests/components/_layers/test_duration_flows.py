"""Flows over durations: inverses, and determinants against those of autograd's Jacobians."""

import pytest
import torch

from seqspec.components._layers.duration_flows import Affine, SplineCoupling

TOKENS = 4


def flow(kind):
    torch.manual_seed(1)
    made = Affine() if kind == "affine" else SplineCoupling(
        6, kernel=3, num_layers=2, num_bins=4, bound=5.0
    )  # fmt: skip
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made.double()


def given():
    torch.manual_seed(2)
    mask = torch.ones(1, 1, TOKENS, dtype=torch.float64)
    return torch.randn(1, 2, TOKENS).double() * 2, mask, torch.randn(1, 6, TOKENS).double()


@pytest.mark.parametrize("kind", ["affine", "spline"])
def test_the_determinant_is_that_of_the_jacobian(kind):
    x, mask, told = given()
    made = flow(kind)

    def flat(x_F):
        return made(x_F.view(1, 2, TOKENS), mask, told).x_BCN.flatten()

    jacobian = torch.autograd.functional.jacobian(flat, x.flatten())

    _, expected = torch.linalg.slogdet(jacobian)
    torch.testing.assert_close(made(x, mask, told).log_determinant_B[0], expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("kind", ["affine", "spline"])
def test_the_inverse_gives_what_was_mapped(kind):
    x, mask, told = given()
    made = flow(kind)

    back = made.inverse(made(x, mask, told).x_BCN, mask, told)

    torch.testing.assert_close(back, x, atol=1e-8, rtol=0)


@pytest.mark.parametrize("kind", ["affine", "spline"])
def test_tokens_that_are_no_tokens_count_nothing(kind):
    x, mask, told = given()
    made = flow(kind)
    longer = [torch.nn.functional.pad(one, (0, 3), value=filled) for one, filled in ((x, 9.0), (told, 5.0))]
    mask_longer = torch.nn.functional.pad(mask, (0, 3))

    short, long = made(x, mask, told), made(longer[0], mask_longer, longer[1])

    torch.testing.assert_close(long.x_BCN[..., :TOKENS], short.x_BCN)
    assert not long.x_BCN[..., TOKENS:].any()
    torch.testing.assert_close(long.log_determinant_B, short.log_determinant_B)
