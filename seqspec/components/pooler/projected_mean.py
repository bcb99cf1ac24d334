"""A linear layer over states, and the mean of what it gives."""

# B batch, S states, D width, V width of the vector

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from seqspec.components._layers.init import linear
from seqspec.components._layers.pooling import pooled_mean
from seqspec.schema.pooler.projected_mean import ProjectedMeanConfig
from seqspec.schema.types import States, Type


class ProjectedMean(nn.Module):
    """``[B, S, D]`` gives ``[B, V]``."""

    def __init__(self, config: ProjectedMeanConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        hidden = takes["hidden"]
        assert isinstance(hidden, States)
        assert config.dim is not None
        self.projection = linear(hidden.dim, config.dim)

    def forward(self, x_BSD: Tensor, lengths_B: Tensor) -> Tensor:
        """States beyond ``lengths_B`` change nothing."""
        return pooled_mean(self.projection(x_BSD), lengths_B)
