import torch
from torch import nn

from seqspec.components._layers.image_batch_norm import ImageBatchNorm


def test_batch_normalisation_equals_torch():
    torch.manual_seed(0)
    ours, theirs = ImageBatchNorm(3, decay=0.9, eps=1e-3), nn.BatchNorm2d(3, eps=1e-3, momentum=0.1)
    for _ in range(3):
        x = torch.randn(2, 3, 4, 4) * 2 + 1
        torch.testing.assert_close(ours(x), theirs(x))

    torch.testing.assert_close(ours.mean_C, theirs.running_mean)
    torch.testing.assert_close(ours.variance_C, theirs.running_var)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))
