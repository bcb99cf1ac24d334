"""PointNet++ with features at every point."""

# B batch, N points, S points of a smaller set, C features, V categories, D width

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.point_layers import PointLayer, PointLayers
from seqspec.components._layers.point_sets import interpolated
from seqspec.components.encoder.point_net import largest
from seqspec.components.encoder.pointnet2 import SetAbstraction
from seqspec.schema.encoder.pointnet2 import COORDINATES
from seqspec.schema.encoder.pointnet2_segmentation import NEAREST, Pointnet2SegmentationConfig
from seqspec.schema.types import Type


class Pointnet2Segmentation(nn.Module):
    """``[B, N, C]`` points give ``[B, N, D]``; the first three numbers of a point are its place."""

    def __init__(self, config: Pointnet2SegmentationConfig, source: Type | Mapping[str, Type]) -> None:
        super().__init__()
        points, self.categories = config.given(source)
        self.coordinates = min(points.dim, COORDINATES)
        decay, bias = config.decay, config.bias
        *levels, (last,) = config.read(points)
        self.levels = nn.ModuleList(
            SetAbstraction(level, reads, decay=decay, bias=bias)
            for level, reads in zip(config.levels, levels, strict=True)
        )
        self.whole = PointLayers([last, *config.widths], decay=decay, bias=bias)
        self.back = nn.ModuleList(
            PointLayers(widths, decay=decay, bias=bias) for widths in config.back(points, self.categories)
        )
        self.last = PointLayer(config.propagation[-1][-1], config.dim, decay=decay, bias=bias)
        self.dropout = Dropout(config.dropout)

    def forward(
        self, x_BNC: Tensor, lengths_B: Tensor, category_B: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Points beyond ``lengths_B`` change nothing, and come out as zero."""
        places_BNC = x_BNC[:, :, : self.coordinates]
        sets = [(places_BNC, x_BNC, lengths_B)]
        for level in self.levels:
            sets.append(level(*sets[-1]))
        places_BSC, features_BSC, kept_B = sets[-1]
        mask_BS = length_mask(kept_B, places_BSC.shape[1])
        found_BSC = largest(self.whole(torch.cat([places_BSC, features_BSC], 2), mask_BS), mask_BS)[:, None]
        sets[0] = places_BNC, self._described(x_BNC, category_B), lengths_B
        above_BSC, above_B = places_BSC[:, :1], torch.ones_like(kept_B)
        for layers, (places, beside, kept_B) in zip(self.back, reversed(sets), strict=True):
            found = interpolated(found_BSC, above_BSC, above_B, places, nearest=NEAREST)
            mask = length_mask(kept_B, places.shape[1])
            found_BSC = layers(torch.cat([beside, found], 2), mask)
            above_BSC, above_B = places, kept_B
        return self.dropout(self.last(found_BSC, length_mask(lengths_B, x_BNC.shape[1]))), lengths_B

    def _described(self, x_BNC: Tensor, category_B: Tensor | None) -> Tensor:
        """Each point's category, place and features."""
        parts = [x_BNC[:, :, : self.coordinates], x_BNC]
        if self.categories:
            assert category_B is not None
            one_BV = functional.one_hot(category_B, self.categories).to(x_BNC.dtype)
            parts.insert(0, one_BV[:, None].expand(-1, x_BNC.shape[1], -1))
        return torch.cat(parts, 2)
