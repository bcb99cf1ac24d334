import torch
from torch.testing import assert_close

from seqspec.components._layers.point_sets import interpolated
from seqspec.components.encoder.pointnet2_segmentation import Pointnet2Segmentation
from seqspec.schema.encoder.pointnet2 import Level, Scale
from seqspec.schema.encoder.pointnet2_segmentation import Pointnet2SegmentationConfig
from seqspec.schema.types import Classes, Points


def small() -> Pointnet2Segmentation:
    levels = [Level(num_points=6, scales=[Scale(radius=0.7, num_neighbors=4, widths=[8])])]
    config = Pointnet2SegmentationConfig(levels=levels, widths=[16], propagation=[[8], [8]], dim=5)
    torch.manual_seed(0)
    return Pointnet2Segmentation(config, {"points": Points(3), "category": Classes(3)}).eval()


def test_padding_does_not_leak():
    encoder, x_BNC, category_B = small(), torch.rand(1, 12, 3), torch.tensor([1])
    longer = torch.cat([x_BNC, torch.full((1, 4, 3), 1e3)], dim=1)

    expected, _ = encoder(x_BNC, torch.tensor([12]), category_B)
    found, _ = encoder(longer, torch.tensor([12]), category_B)

    assert_close(found[:, :12], expected, atol=1e-5, rtol=1e-5)
    assert (found[:, 12:] == 0).all()
    assert not torch.allclose(encoder(x_BNC, torch.tensor([12]), category_B + 1)[0], expected, atol=1e-3)


def test_the_order_of_the_other_points_carries_no_meaning():
    encoder, x_BNC, category_B = small(), torch.rand(1, 12, 3), torch.tensor([0])
    turned = torch.cat([torch.tensor([0]), 1 + torch.randperm(11)])

    encoder.levels[0].balls = [(0.7, 12)]  # balls take points in their order, so all must fit

    found, _ = encoder(x_BNC[:, turned], torch.tensor([12]), category_B)

    expected, _ = encoder(x_BNC, torch.tensor([12]), category_B)
    assert_close(found, expected[:, turned], atol=1e-5, rtol=1e-5)


def test_features_are_interpolated_by_inverse_squares():
    places = torch.tensor([[[0.0, 0.0], [3.0, 0.0], [0.0, 4.0], [9.0, 9.0], [0.0, 0.0]]])
    x_BSC = torch.tensor([[[1.0], [2.0], [3.0], [100.0], [500.0]]])

    found = interpolated(
        x_BSC, places, torch.tensor([4]), torch.tensor([[[1.0, 0.0], [3.0, 0.0]]]), nearest=3
    )

    weights = torch.tensor([1.0, 1 / 4, 1 / 17])
    expected = (weights * torch.tensor([1.0, 2.0, 3.0])).sum() / weights.sum()
    assert_close(found[0, :, 0], torch.stack([expected, torch.tensor(2.0)]), atol=1e-5, rtol=1e-5)
