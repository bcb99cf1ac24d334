"""DGCNN, with the layers of the published code: leaky rectifiers of slope 0.2, biases only over the whole
set.
"""

# B batch, N points, C features, D width of the vector

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.edge_convolution import SLOPE, EdgeConvolution
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.point_layers import PointLayer, of_each
from seqspec.components.encoder.point_net import largest
from seqspec.schema.encoder.dgcnn import DgcnnConfig
from seqspec.schema.types import Points


class Dgcnn(nn.Module):
    """``[B, N, C]`` points give ``[B, D]``."""

    def __init__(self, config: DgcnnConfig, source: Points) -> None:
        super().__init__()
        widths = [source.dim, *config.widths]
        self.layers = nn.ModuleList(
            EdgeConvolution(inputs, outputs, num_neighbors=config.num_neighbors, decay=config.decay)
            for inputs, outputs in pairwise(widths)
        )
        self.every = PointLayer(sum(config.widths), config.dim, decay=config.decay, slope=SLOPE)
        self.hidden = nn.ModuleList(
            PointLayer(inputs, outputs, decay=config.decay, bias=place > 0, slope=SLOPE)
            for place, (inputs, outputs) in enumerate(pairwise([2 * config.dim, *config.hidden]))
        )
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BNC: Tensor, lengths_B: Tensor) -> tuple[Tensor, None]:
        """Points beyond ``lengths_B`` change nothing; a set is one vector, so no length is given."""
        mask_BN = length_mask(lengths_B, x_BNC.shape[1])
        found = []
        for layer in self.layers:
            x_BNC = layer(x_BNC, lengths_B, mask_BN)
            found.append(x_BNC)
        x_BNC = self.every(torch.cat(found, dim=2), mask_BN)
        mean_BD = x_BNC.sum(1) / lengths_B.clamp(min=1)[:, None]
        x_BD = torch.cat([largest(x_BNC, mask_BN), mean_BD], dim=1)
        for layer in self.hidden:
            x_BD = self.dropout(layer(*of_each(x_BD))[:, 0])
        return x_BD, None
