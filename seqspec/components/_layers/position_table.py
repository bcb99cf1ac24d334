"""Positions of Marian and its kin: sinusoids by either formula, or a table that a folder holds."""

# B batch, T time, D width

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.input_limits import InputTooLong
from seqspec.components._layers.positions import sinusoids
from seqspec.schema.layers.marian import MarianLayers


class PositionTable(nn.Module):
    """What a stack adds to its vectors; a table that the folder holds is part of the weights that are kept,
    and learns nothing.
    """

    positions_TD: Tensor

    def __init__(self, config: MarianLayers) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.max_positions is not None
        self.max_positions = config.max_positions
        table_TD = sinusoids(
            config.first_position or 0, config.max_positions, dim=config.dim, device=torch.device("cpu"),
            to_half=config.rates != "half_less_one",
        )  # fmt: skip
        self.register_buffer("positions_TD", table_TD, persistent=bool(config.stored_positions))
        self.dropout = Dropout(config.dropout)

    def placed(self, x_BTD: Tensor, *, start: int = 0) -> Tensor:
        """``x_BTD`` with its positions, the first of which is ``start``.  Raises ``InputTooLong``."""
        end = start + x_BTD.shape[1]
        if end > self.max_positions:
            raise InputTooLong(end, self.max_positions)
        given: Tensor = self.dropout(x_BTD + self.positions_TD[start:end].to(x_BTD.dtype))
        return given
