"""How a run is carried out on this machine: devices, precision of the hardware, workers.  None of it enters a
digest.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Launch:
    """Runtime choices: flags, not spec."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: Literal["auto", "ddp"] = "auto"
    """A strategy of Lightning under which every process holds the whole model, as checkpoints and clipping
    take for granted.
    """
    precision: Literal["float32", "bfloat16"] | None = None
    """In place of the plan's, for machines that lack it; the lock records it."""
    workers: int | None = None
    """Loader processes, in place of the plan's."""
    threads: int | None = None
    compile: bool = False
    """Run the model through ``torch.compile``; falls back with a message."""
    profile: bool = False
    """Write a profile of some steps into the run directory."""
    quiet: bool = False

    @property
    def accelerator(self) -> str:
        """Lightning's name of the device."""
        if self.device == "auto":
            import torch

            return "cuda" if torch.cuda.is_available() else "cpu"
        return self.device


@dataclass(frozen=True)
class Place:
    """Which process this is among those that share the work."""

    rank: int = 0
    world: int = 1

    @classmethod
    def here(cls, launch: Launch) -> Place:
        """From the variables that torchrun and ``runtime/processes.py`` set."""
        world = int(os.environ.get("WORLD_SIZE", launch.devices * launch.nodes))
        rank = int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))
        return cls(rank, world)
