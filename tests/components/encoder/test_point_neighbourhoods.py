"""PointNet++ and DGCNN: published counts, and what the order and the number of points may change."""

import pytest
import torch

from seqspec.components._layers.edge_convolution import EdgeConvolution
from seqspec.components._layers.point_sets import gather_points, nearest_neighbors
from seqspec.components.encoder.dgcnn import Dgcnn
from seqspec.components.encoder.pointnet2 import Pointnet2
from seqspec.schema.config import Mismatch
from seqspec.schema.encoder.dgcnn import DgcnnConfig
from seqspec.schema.encoder.pointnet2 import Pointnet2Config
from seqspec.schema.types import Classes, Image, Points
from tests.components.building import build, count

torch.set_num_threads(1)

MULTI_SCALE = [
    {"num_points": 512, "scales": [{"radius": 0.1, "num_neighbors": 16, "widths": [32, 32, 64]},
                                   {"radius": 0.2, "num_neighbors": 32, "widths": [64, 64, 128]},
                                   {"radius": 0.4, "num_neighbors": 128, "widths": [64, 96, 128]}]},
    {"num_points": 128, "scales": [{"radius": 0.2, "num_neighbors": 32, "widths": [64, 64, 128]},
                                   {"radius": 0.4, "num_neighbors": 64, "widths": [128, 128, 256]},
                                   {"radius": 0.8, "num_neighbors": 128, "widths": [128, 128, 256]}]},
]  # fmt: skip
LEVELS = [
    {"num_points": 8, "scales": [{"radius": 1.0, "num_neighbors": 4, "widths": [5, 6]},
                                 {"radius": 2.0, "num_neighbors": 6, "widths": [4]}]},
    {"num_points": 4, "scales": [{"radius": 2.0, "num_neighbors": 3, "widths": [8]}]},
]  # fmt: skip
POINTNET2 = Pointnet2Config.model_validate(
    {"levels": LEVELS, "widths": [9, 10], "hidden": [7, 5], "dropout": 0.0}
)
DGCNN = DgcnnConfig(num_neighbors=4, widths=[5, 6], dim=8, hidden=[7, 5], dropout=0.0)


def made(which, dim=3):
    torch.manual_seed(0)
    return Pointnet2(POINTNET2, Points(dim)) if which == "pointnet2" else Dgcnn(DGCNN, Points(dim))


def cloud(*counts, dim=3, seed=1):
    x = torch.randn(len(counts), max(counts), dim, generator=torch.Generator().manual_seed(seed))
    return x, torch.tensor(counts)


@pytest.mark.parametrize(
    ("encoder", "dim", "expected"),
    [
        ({"type": "pointnet2"}, 3, 1_475_688),
        ({"type": "pointnet2"}, 6, 1_475_880),
        ({"type": "pointnet2", "bias": False}, 3, 1_475_688 - 3_328),
        ({"type": "pointnet2", "levels": MULTI_SCALE}, 3, 1_747_368),
        ({"type": "pointnet2", "levels": MULTI_SCALE}, 6, 1_747_848),
        ({"type": "dgcnn"}, 3, 1_809_576),
    ],
)
def test_networks_have_the_published_number_of_parameters(encoder, dim, expected):
    corpus = {"source": Points(dim, num=1024), "target": Classes(40)}
    model = build({"type": "classifier", "encoder": encoder}, corpus, device="meta").model

    assert count(model) == expected


@pytest.mark.parametrize("dim", [2, 3, 6])
@pytest.mark.parametrize("which", ["pointnet2", "dgcnn"])
def test_declared_parameters_are_what_is_built(which, dim):
    encoder, config = made(which, dim), {"pointnet2": POINTNET2, "dgcnn": DGCNN}[which]
    given, lengths = encoder(*cloud(9, 6, dim=dim))

    assert given.shape == (2, 5)
    assert lengths is None
    assert count(encoder) == config.parameters({"source": Points(dim)})


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("which", ["pointnet2", "dgcnn"])
def test_points_beyond_the_length_change_nothing(which, training):
    encoder = made(which).train(training)
    x, lengths = cloud(6, 11)
    strange = x.clone()
    strange[0, 6:] = 1e3
    longer = torch.cat([x, torch.full((2, 3, 3), -1e3)], dim=1)

    expected = encoder(x, lengths)[0]
    torch.testing.assert_close(encoder(strange, lengths)[0], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(encoder(longer, lengths)[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_order_of_points_carries_no_meaning_to_dgcnn(training):
    encoder = made("dgcnn").train(training)
    x, lengths = cloud(12, 12)

    torch.testing.assert_close(encoder(x[:, torch.randperm(12)], lengths)[0], encoder(x, lengths)[0])


def test_pointnet2_begins_with_the_first_point_and_takes_the_others_as_a_set():
    """Where no ball has more points than are taken out of it."""
    wide = [{"num_points": 8, "scales": [{"radius": 1.0, "num_neighbors": 12, "widths": [5, 6]}]}]
    config = Pointnet2Config.model_validate({"levels": wide, "widths": [9], "hidden": [5], "dropout": 0.0})
    torch.manual_seed(0)
    encoder = Pointnet2(config, Points(3)).eval()
    x, lengths = cloud(12)
    others = torch.cat([torch.zeros(1, dtype=torch.long), 1 + torch.randperm(11)])

    torch.testing.assert_close(encoder(x[:, others], lengths)[0], encoder(x, lengths)[0])
    assert not torch.allclose(encoder(x.flip(1), lengths)[0], encoder(x, lengths)[0])


def test_a_layer_over_pairs_is_what_the_paper_writes():
    torch.manual_seed(0)
    layer = EdgeConvolution(3, 5, num_neighbors=4, decay=0.9).eval()
    x, lengths = cloud(9)
    index = nearest_neighbors(x, lengths, count=4)
    others = gather_points(x, index)
    own = x[:, :, None].expand_as(others)
    pairs = torch.cat([others - own, own], dim=3) @ layer.linear.weight.T
    scaled = torch.nn.functional.leaky_relu(pairs * (1 + 1e-5) ** -0.5, 0.2)

    given = layer(x, lengths, torch.ones(1, 9, dtype=torch.bool))

    torch.testing.assert_close(given, scaled.amax(2))


@pytest.mark.parametrize("which", ["pointnet2", "dgcnn"])
def test_every_weight_learns_from_the_first_step(which):
    encoder = made(which)
    given, _ = encoder(*cloud(11, 9, 10, 11))
    (given * torch.randn_like(given)).sum().backward()

    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())


@pytest.mark.parametrize(
    ("config", "source", "message"),
    [
        (Pointnet2Config(), Points(3, num=256), "512 points cannot be chosen: a set has 256"),
        (POINTNET2.model_copy(update={"levels": POINTNET2.levels[::-1]}), Points(3),
         "8 points cannot be chosen: the level before has 4"),
        (DgcnnConfig(), Points(3, num=16), "cannot have 20 neighbours in a set of 16 points"),
        (Pointnet2Config(), Image(1, 2, 2), "reads sets of points"),
        (DgcnnConfig(), Image(1, 2, 2), "reads sets of points"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(config, source, message):
    with pytest.raises(Mismatch, match=message):
        config.output(source)
