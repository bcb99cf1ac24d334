import pytest
import torch

from seqspec.components.encoder.point_net import PointNet, largest, off_rotation
from seqspec.schema.config import Mismatch
from seqspec.schema.encoder.point_net import PointNetConfig
from seqspec.schema.types import Image, Points, Vector

torch.set_num_threads(1)

TINY = {"widths": [4, 5, 6], "hidden": [7, 3]}


def made(**settings):
    torch.manual_seed(0)
    return PointNet(PointNetConfig(**TINY | settings), Points(3))


def cloud(*counts, seed=1):
    x = torch.randn(len(counts), max(counts), 3, generator=torch.Generator().manual_seed(seed))
    return x, torch.tensor(counts)


@pytest.mark.parametrize("align", ["points_and_features", "points", "none"])
@pytest.mark.parametrize("dim", [2, 3, 6])
def test_declared_type_and_parameters_are_what_is_built(align, dim):
    config = PointNetConfig(**TINY, align=align)
    encoder = PointNet(config, Points(dim))
    given, lengths = encoder(torch.randn(2, 9, dim), torch.tensor([9, 4]))

    assert config.output(Points(dim)) == Vector(3)
    assert given.shape == (2, 3)
    assert lengths is None
    assert sum(p.numel() for p in encoder.parameters()) == config.parameters({"source": Points(dim)})


def test_the_papers_sizes_are_the_defaults():
    """Table 6: 3.5 million parameters, 0.8 without the networks that align; 40 classes."""
    head = 256 * 40 + 40

    assert PointNetConfig().parameters({"source": Points(3)}) + head == pytest.approx(3.5e6, rel=0.02)
    assert PointNetConfig(align="none").parameters({"source": Points(3)}) + head == pytest.approx(
        0.8e6, rel=0.03
    )


@pytest.mark.parametrize("training", [True, False])
def test_the_order_of_points_carries_no_meaning(training):
    encoder = made(dropout=0.0).train(training)
    x, lengths = cloud(8, 8)

    torch.testing.assert_close(encoder(x[:, torch.randperm(8)], lengths)[0], encoder(x, lengths)[0])


@pytest.mark.parametrize("training", [True, False])
def test_points_beyond_the_length_change_nothing(training):
    encoder = made(dropout=0.0).train(training)
    x, lengths = cloud(5, 8)
    strange = x.clone()
    strange[0, 5:] = 1e6
    longer = torch.cat([x, torch.full((2, 3, 3), -1e6)], dim=1)

    expected = encoder(x, lengths)[0]
    torch.testing.assert_close(encoder(strange, lengths)[0], expected)
    torch.testing.assert_close(encoder(longer, lengths)[0], expected)


def test_every_parameter_learns_from_the_first_step():
    encoder = made()
    beside = {}
    given, _ = encoder(*cloud(8, 6, 7, 8), auxiliary=beside)
    (given.square().sum() + beside["rotation"]).backward()

    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())


def test_the_auxiliary_loss_is_the_distance_from_a_rotation_and_is_for_training():
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    encoder, beside = made(), {}
    encoder(*cloud(4, 4), auxiliary=beside)

    assert off_rotation(turn[None]) == 0
    assert off_rotation(2 * torch.eye(3)[None]) == 27
    assert beside["rotation"] > 0
    encoder.eval()(*cloud(4, 4), auxiliary=beside)
    assert beside["rotation"] == 0


def test_the_largest_value_of_no_points_is_zero():
    given = largest(torch.full((2, 3, 1), -2.0), torch.tensor([[True, True, False], [False] * 3]))

    assert given.tolist() == [[-2.0], [0.0]]


def test_what_is_no_set_of_points_is_refused():
    with pytest.raises(Mismatch, match="reads sets of points"):
        PointNetConfig().output(Image(1, 2, 2))
