"""DGCNN with features at every point, with the layers of the published code.

It differs in the matrix that turns the points: its first weights are small rather than zero, so that every
layer learns from the start; and where points have normals, it turns their places alone.
"""

# B batch, N points, K neighbours, C features, D width

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.edge_convolution import SLOPE, EdgeConvolution
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.point_layers import PointLayer, PointLayers, of_each
from seqspec.components.encoder.point_net import NEAR, largest
from seqspec.schema.encoder.dgcnn_segmentation import TURNED, DgcnnSegmentationConfig
from seqspec.schema.encoder.pointnet2 import COORDINATES
from seqspec.schema.types import Type


class DgcnnSegmentation(nn.Module):
    """``[B, N, C]`` points give ``[B, N, D]``; the first three numbers of a point are its place."""

    def __init__(self, config: DgcnnSegmentationConfig, source: Type | Mapping[str, Type]) -> None:
        super().__init__()
        points, self.categories = config.given(source)
        neighbors, decay = config.num_neighbors, config.decay
        self.turn = _Turn(points.dim, num_neighbors=neighbors, decay=decay)
        reads = [points.dim, *(widths[-1] for widths in config.edges)]
        self.edges = nn.ModuleList(
            _Edges([inputs, *widths], num_neighbors=neighbors, decay=decay)
            for inputs, widths in zip(reads, config.edges, strict=False)
        )
        self.whole = PointLayer(sum(reads[1:]), config.whole, decay=decay, slope=SLOPE)
        if self.categories:
            self.category = PointLayer(self.categories, config.category_dim, decay=decay, slope=SLOPE)
        widths = [config.read(self.categories), *config.hidden]
        self.hidden = nn.ModuleList(
            PointLayer(inputs, outputs, decay=decay, slope=SLOPE) for inputs, outputs in pairwise(widths)
        )
        self.dropout = Dropout(config.dropout)

    def forward(
        self, x_BNC: Tensor, lengths_B: Tensor, category_B: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Points beyond ``lengths_B`` change nothing, and come out as zero."""
        mask_BN = length_mask(lengths_B, x_BNC.shape[1])
        x_BNC = self.turn(x_BNC, lengths_B, mask_BN)
        found = []
        for edges in self.edges:
            x_BNC = edges(x_BNC, lengths_B, mask_BN)
            found.append(x_BNC)
        every_BNC = torch.cat(found, 2)
        set_BD = torch.cat([largest(self.whole(every_BNC, mask_BN), mask_BN), *self._told(category_B)], 1)
        x_BNC = torch.cat([set_BD[:, None].expand(-1, x_BNC.shape[1], -1), every_BNC], 2)
        for place, layer in enumerate(self.hidden):
            x_BNC = layer(x_BNC, mask_BN)
            x_BNC = self.dropout(x_BNC) if place + 1 < len(self.hidden) else x_BNC
        return x_BNC, lengths_B

    def _told(self, category_B: Tensor | None) -> list[Tensor]:
        """What is made of the category, where there is one."""
        if not self.categories:
            return []
        assert category_B is not None
        one_BV = functional.one_hot(category_B, self.categories).to(self.category.linear.weight.dtype)
        return [self.category(*of_each(one_BV))[:, 0]]


class _Edges(nn.Module):
    """Layers over pairs of near points, then the largest value over a point's neighbours."""

    def __init__(self, widths: Sequence[int], *, num_neighbors: int, decay: float) -> None:
        super().__init__()
        self.first = EdgeConvolution(widths[0], widths[1], num_neighbors=num_neighbors, decay=decay)
        self.others = PointLayers(widths[1:], decay=decay, slope=SLOPE)

    def forward(self, x_BNC: Tensor, lengths_B: Tensor, mask_BN: Tensor) -> Tensor:
        pairs_BNKC = self.others(self.first.pairs(x_BNC, lengths_B, mask_BN), mask_BN)
        return pairs_BNKC.amax(2)


class _Turn(nn.Module):
    """The places of a set turned by a matrix that is read from it: nearly the identity at first."""

    def __init__(self, dim: int, *, num_neighbors: int, decay: float) -> None:
        super().__init__()
        pairs, each, whole = TURNED
        self.size = min(dim, COORDINATES)
        self.edges = _Edges([dim, *pairs], num_neighbors=num_neighbors, decay=decay)
        self.each = PointLayer(pairs[-1], each, decay=decay, slope=SLOPE)
        self.whole = PointLayers([each, *whole], decay=decay, slope=SLOPE)
        self.matrix = linear(whole[-1], self.size**2, gain=NEAR)
        with torch.no_grad():
            self.matrix.bias.copy_(torch.eye(self.size).flatten())

    def forward(self, x_BNC: Tensor, lengths_B: Tensor, mask_BN: Tensor) -> Tensor:
        read_BD = largest(self.each(self.edges(x_BNC, lengths_B, mask_BN), mask_BN), mask_BN)
        read_B1D = self.whole(read_BD[:, None], torch.ones_like(mask_BN[:, :1]))
        matrix_BCC = self.matrix(read_B1D[:, 0]).unflatten(1, (self.size, self.size))
        turned_BNC = x_BNC[:, :, : self.size] @ matrix_BCC
        return torch.cat([turned_BNC, x_BNC[:, :, self.size :]], 2)
