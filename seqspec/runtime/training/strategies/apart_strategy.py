"""Processes of which Lightning keeps nothing in step: each trains a model of its own, or the model shares
itself out.
"""

from __future__ import annotations

import torch
from lightning.pytorch.strategies import SingleDeviceStrategy

from seqspec.runtime.devices.launch import Place


class ApartStrategy(SingleDeviceStrategy):
    """One device, and a place among several processes."""

    def __init__(self, place: Place, device: str) -> None:
        super().__init__(device=torch.device(device))
        self.global_rank, self.world_size = place.rank, place.world

    @property
    def is_global_zero(self) -> bool:
        """The process that writes."""
        return self.global_rank == 0
