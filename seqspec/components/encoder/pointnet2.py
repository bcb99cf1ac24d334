"""PointNet++.

Its sampling begins at the first point of a set, and balls take points in their order, as the authors' code
does.
"""

# B batch, N points, S chosen points, K neighbours, C features, D width of the vector

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.point_layers import PointLayer, PointLayers, of_each
from seqspec.components._layers.point_sets import farthest_points, gather_points, points_in_ball
from seqspec.components.encoder.point_net import largest
from seqspec.schema.encoder.pointnet2 import COORDINATES, Level, Pointnet2Config
from seqspec.schema.types import Points


class Pointnet2(nn.Module):
    """``[B, N, C]`` points give ``[B, D]``; the first three numbers of a point are its place."""

    def __init__(self, config: Pointnet2Config, source: Points) -> None:
        super().__init__()
        self.coordinates = min(source.dim, COORDINATES)
        *levels, (last,) = config.read(source)
        self.levels = nn.ModuleList(
            SetAbstraction(level, reads, decay=config.decay, bias=config.bias)
            for level, reads in zip(config.levels, levels, strict=True)
        )
        self.whole = PointLayers([last, *config.widths], decay=config.decay, bias=config.bias)
        widths = [config.widths[-1], *config.hidden]
        self.hidden = PointLayers(widths, decay=config.decay, bias=config.bias)
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BNC: Tensor, lengths_B: Tensor) -> tuple[Tensor, None]:
        """Points beyond ``lengths_B`` change nothing; a set is one vector, so no length is given."""
        places, features = x_BNC.split([self.coordinates, x_BNC.shape[2] - self.coordinates], dim=2)
        for level in self.levels:
            places, features, lengths_B = level(places, features, lengths_B)
        mask_BS = length_mask(lengths_B, places.shape[1])
        x_BD = largest(self.whole(torch.cat([places, features], dim=2), mask_BS), mask_BS)
        for layer in self.hidden:
            assert isinstance(layer, PointLayer)
            x_BD = self.dropout(layer(*of_each(x_BD))[:, 0])
        return x_BD, None


class SetAbstraction(nn.Module):
    """Set abstraction: points that lie far apart, and the largest values of the points around each."""

    def __init__(self, level: Level, reads: tuple[int, ...], *, decay: float, bias: bool) -> None:
        super().__init__()
        self.num_points = level.num_points
        self.balls = [(scale.radius, scale.num_neighbors) for scale in level.scales]
        self.scales = nn.ModuleList(
            PointLayers([inputs, *scale.widths], decay=decay, bias=bias)
            for scale, inputs in zip(level.scales, reads, strict=True)
        )

    def forward(
        self, places_BNC: Tensor, features_BNC: Tensor, lengths_B: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The places that are kept, what lies around them, and how many are real."""
        chosen_BS = farthest_points(places_BNC, lengths_B, count=self.num_points)
        centers_BSC = gather_points(places_BNC, chosen_BS)
        kept_B = lengths_B.clamp(max=self.num_points)
        mask_BS = length_mask(kept_B, self.num_points)
        both_BNC = torch.cat([places_BNC, features_BNC], dim=2)
        offset_BS1C = torch.cat(
            [centers_BSC, features_BNC.new_zeros(*chosen_BS.shape, features_BNC.shape[2])], dim=2
        )[:, :, None]
        found = []
        for layers, (radius, count) in zip(self.scales, self.balls, strict=True):
            index_BSK = points_in_ball(places_BNC, lengths_B, centers_BSC, radius=radius, count=count)
            around_BSKC = gather_points(both_BNC, index_BSK) - offset_BS1C
            found.append(layers(around_BSKC, mask_BS).amax(2))
        return centers_BSC, torch.cat(found, dim=2), kept_B
