"""Xception's exit flow over an encoder's states."""

# B batch, S states, D width, V width of the vector

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from seqspec.components._layers.pooling import pool
from seqspec.components._layers.xception import LINE_STRIDE, ExitFlow
from seqspec.schema.pooler.xception_exit import XceptionExitConfig
from seqspec.schema.types import States, Type


class XceptionExit(nn.Module):
    """``[B, S, D]`` gives ``[B, V]``."""

    def __init__(self, config: XceptionExitConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        hidden = takes["hidden"]
        assert isinstance(hidden, States)
        assert config.grid is not None
        self.flow = ExitFlow(
            hidden.dim, config.widths_over(hidden.dim), grid=config.grid, columns=config.columns
        )

    def forward(self, x_BSD: Tensor, lengths_B: Tensor) -> Tensor:
        """States beyond ``lengths_B`` change nothing; those of a square are all there."""
        given_BSV = self.flow(x_BSD)
        if not self.flow.line:
            return given_BSV.mean(1)
        return pool("mean", given_BSV, -(-lengths_B // LINE_STRIDE))
