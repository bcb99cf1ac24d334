"""Processes that each train a whole model of their own: Lightning keeps nothing of them in step."""

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
