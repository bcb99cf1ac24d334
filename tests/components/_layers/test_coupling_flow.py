"""Residual couplings: the inverse, the volume, and what padding does."""

import torch

from seqspec.components._layers.coupling_flow import CouplingFlow

DIM, TIME = 4, 3


def flow(**settings):
    torch.manual_seed(1)
    made = CouplingFlow(DIM, kernel=3, num_layers=2, num_blocks=3, **settings)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made.double()


def given(size=TIME):
    torch.manual_seed(2)
    return torch.randn(2, DIM, size).double(), torch.ones(2, 1, size).double()


def test_the_inverse_gives_what_was_mapped_for_each_voice():
    x, mask = given(20)
    made, voice = flow(speaker_dim=5), torch.randn(2, 5, 1).double()

    there = made(x, mask, voice)

    assert (there - x).abs().max() > 0.1
    torch.testing.assert_close(made.inverse(there, mask, voice), x, atol=1e-9, rtol=0)
    assert not torch.allclose(made(x, mask, voice.flip(0)), there)


def test_no_volume_is_lost_or_gained():
    x, mask = given()
    made = flow()

    def flat(x_F):
        return made(x_F.view(1, DIM, TIME), mask[:1]).flatten()

    jacobian = torch.autograd.functional.jacobian(flat, x[:1].flatten())

    _, log_determinant = torch.linalg.slogdet(jacobian)
    torch.testing.assert_close(log_determinant, torch.zeros_like(log_determinant), atol=1e-9, rtol=0)


def test_frames_behind_the_last_change_nothing():
    x, mask = given(8)
    made = flow()
    mask[1, :, 5:] = 0
    x[1, :, 5:] = 0
    alone = made(x[1:, :, :5], mask[1:, :, :5])

    torch.testing.assert_close(made(x, mask)[1:, :, :5], alone)


def test_it_begins_as_a_permutation():
    torch.manual_seed(3)
    made = CouplingFlow(DIM, kernel=3, num_layers=1, num_blocks=2).double()
    x, mask = given()

    torch.testing.assert_close(made(x, mask), x)
