"""Edge convolution: Wang et al. (2019), "Dynamic Graph CNN for Learning on Point Clouds", arXiv:1801.07829,
section 3.1.
"""

# B batch, N points, K neighbours, C features

from __future__ import annotations

from torch import Tensor, nn

from seqspec.components._layers.batch_norm import MaskedBatchNormRelu
from seqspec.components._layers.init import linear
from seqspec.components._layers.point_layers import EPSILON
from seqspec.components._layers.point_sets import gather_points, nearest_neighbors

SLOPE = 0.2
"""Of the leaky rectifiers of the published code."""


class EdgeConvolution(nn.Module):
    """The largest value over a point's neighbours of a layer that reads their difference from it and itself.

    The layer is linear, ``U (x_j - x_i) + V x_i = U x_j + (V - U) x_i``, so it goes over points rather than
    over pairs, of which there are ``num_neighbors`` times as many.
    """

    def __init__(self, inputs: int, outputs: int, *, num_neighbors: int, decay: float) -> None:
        super().__init__()
        self.num_neighbors = num_neighbors
        self.linear = linear(2 * inputs, outputs, bias=False)
        self.norm = MaskedBatchNormRelu(outputs, decay=decay, eps=EPSILON, slope=SLOPE)

    def forward(self, x_BNC: Tensor, lengths_B: Tensor, mask_BN: Tensor) -> Tensor:
        return self.pairs(x_BNC, lengths_B, mask_BN).amax(2)

    def pairs(self, x_BNC: Tensor, lengths_B: Tensor, mask_BN: Tensor) -> Tensor:
        """``[B, N, K, C]``: of each point and each of its neighbours."""
        index_BNK = nearest_neighbors(x_BNC, lengths_B, count=self.num_neighbors)
        of_other, of_own = self.linear.weight.split(x_BNC.shape[2], dim=1)
        other_BNC = nn.functional.linear(x_BNC, of_other)
        own_BNC = nn.functional.linear(x_BNC, of_own - of_other)
        given: Tensor = self.norm(gather_points(other_BNC, index_BNK) + own_BNC[:, :, None], mask_BN)
        return given
