"""DGCNN with features at every point; its count is held in ``test_parameter_counts``."""

import pytest
import torch
from torch.testing import assert_close

from seqspec.components.encoder.dgcnn_segmentation import DgcnnSegmentation
from seqspec.schema.config import Mismatch
from seqspec.schema.encoder.dgcnn_segmentation import DgcnnSegmentationConfig
from seqspec.schema.types import Classes, Image, Points

SOURCE = {"points": Points(6), "category": Classes(3)}
SMALL = DgcnnSegmentationConfig(
    num_neighbors=4, edges=[[8, 6], [7]], whole=16, category_dim=5, hidden=[9, 6], dropout=0.0
)


@pytest.fixture
def encoder() -> DgcnnSegmentation:
    torch.manual_seed(0)
    return DgcnnSegmentation(SMALL, SOURCE).eval()


def test_padding_and_order_change_nothing_and_the_category_does(encoder):
    x_BNC, category_B = torch.rand(1, 12, 6), torch.tensor([1])
    longer = torch.cat([x_BNC, torch.full((1, 4, 6), 1e3)], dim=1)
    order = torch.randperm(12)

    expected, _ = encoder(x_BNC, torch.tensor([12]), category_B)
    found, lengths = encoder(longer, torch.tensor([12]), category_B)
    turned, _ = encoder(x_BNC[:, order], torch.tensor([12]), category_B)

    assert lengths.tolist() == [12]
    assert_close(found[:, :12], expected, atol=1e-5, rtol=1e-5)
    assert (found[:, 12:] == 0).all()
    assert_close(turned, expected[:, order], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(encoder(x_BNC, torch.tensor([12]), category_B + 1)[0], expected, atol=1e-3)


def test_every_weight_learns_from_the_first_step(encoder):
    given, _ = encoder.train()(torch.rand(3, 11, 6), torch.tensor([11, 9, 11]), torch.tensor([0, 1, 2]))
    (given * torch.randn_like(given)).sum().backward()

    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())
    assert sum(p.numel() for p in encoder.parameters()) == SMALL.parameters({"source": SOURCE})


@pytest.mark.parametrize(
    ("source", "message"),
    [(Points(3, num=16), "40 neighbours in a set of 16"), (Image(1, 2, 2), "reads sets of points")],
)
def test_what_cannot_be_read_is_refused(source, message):
    with pytest.raises(Mismatch, match=message):
        DgcnnSegmentationConfig().output(source)
