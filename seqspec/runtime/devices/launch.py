"""How a run is carried out on this machine: devices, precision of the hardware, workers.  None of it enters a
digest.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from seqspec.schema.diagnostic import Exit, RunError


@dataclass(frozen=True)
class Launch:
    """Runtime choices: flags, not spec."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: Literal["auto", "ddp", "fsdp", "tp"] = "auto"
    """How processes share a step: under ``ddp`` each holds the whole model, under ``fsdp`` a part of its
    weights, gradients and optimiser state; under ``tp`` all work on the same batches, each with some of the
    heads and inner features.
    """
    precision: Literal["float32", "bfloat16", "float16"] | None = None
    """In place of the plan's, for machines that lack it; the lock records it."""
    workers: int | None = None
    """Loader processes, in place of the plan's."""
    threads: int | None = None
    compile: bool = False
    """Run the model through ``torch.compile``; falls back with a message."""
    profile: bool = False
    """Write a profile of some steps into the run directory."""
    quiet: bool = False
    loggers: tuple[str, ...] = ()
    """Loggers of Lightning that hear the numbers too: ``csv``, ``mlflow``, ``wandb``."""
    tensor_parallel: int | None = None
    """Processes that split the layers among themselves, each group of them with batches of its own; left out,
    all under ``tp``, and none under ``fsdp``, where the groups share out what each process of one holds.
    """
    pause_at: int | None = None
    """Stop with a checkpoint after this optimiser step, as if a signal had come there."""

    peers: str | None = None
    """A folder or the address of a store where peers meet that share the micro-batches of each step."""

    def shards(self, place: Place) -> bool:
        """Whether processes hold parts of the model."""
        return self.strategy in ("fsdp", "tp") and place.world > 1

    def of_batches(self, place: Place) -> Place:
        """The place among the processes that share batches."""
        each = self.splits(place)
        return Place(place.rank // each, place.world // each)

    def splits(self, place: Place) -> int:
        """Processes that work on the same batches."""
        if self.strategy == "tp":
            return self.tensor_parallel or place.world
        return (self.tensor_parallel or 1) if self.strategy == "fsdp" else 1

    @property
    def accelerator(self) -> str:
        """Lightning's name of the device; raises ``RunError`` for one that is not here."""
        if self.device == "cpu":
            return "cpu"
        import torch

        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if self.device == "cuda" and not found:
            raise RunError(
                f"torch {torch.__version__} finds no CUDA device",
                exit=Exit.USAGE,
                help="use `--device cpu`, or fix the driver or install a torch that is built for CUDA",
            )
        local = int(os.environ.get("LOCAL_WORLD_SIZE", self.devices))
        if found and local > found:
            raise RunError(
                f"{local} processes for {found} CUDA device{'s' * (found > 1)}",
                exit=Exit.USAGE,
                help=f"use `--devices {found}`, or `--device cpu`",
            )
        return "cuda" if found else "cpu"


@dataclass(frozen=True)
class Place:
    """Which process this is among those that share the work."""

    rank: int = 0
    world: int = 1

    @classmethod
    def here(cls, launch: Launch) -> Place:
        """From the variables that torchrun, srun or ``runtime/devices/processes.py`` set.

        Raises ``RunError`` where they name no place among the processes.
        """
        _hear_slurm()
        said = {name: os.environ[name] for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE") if name in os.environ}
        world = said.get("WORLD_SIZE", str(launch.devices * launch.nodes))
        rank = said.get("RANK", said.get("LOCAL_RANK", "0"))
        if not (world.isdecimal() and rank.isdecimal() and int(rank) < int(world)):
            told = ", ".join(f"{name}={value}" for name, value in said.items())
            raise RunError(
                f"the environment names no process of a run: {told}",
                exit=Exit.USAGE,
                help="RANK counts from 0 to WORLD_SIZE - 1; `torchrun` and `srun` set both",
            )
        return cls(int(rank), int(world))


def _hear_slurm() -> None:
    """``srun`` has started every process already: what it says, under the names that torch reads.

    A batch script that calls this program without ``srun`` is one process, whatever it has reserved.
    """
    said = os.environ
    if "RANK" in said or "SLURM_STEP_ID" not in said or int(said.get("SLURM_STEP_NUM_TASKS", "1")) < 2:
        return
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    slurm = SLURMEnvironment(auto_requeue=False)
    # Such as "4" or "4(x2),3".
    each = said.get("SLURM_STEP_TASKS_PER_NODE", said["SLURM_STEP_NUM_TASKS"]).split("(")[0].split(",")[0]
    said.update(
        MASTER_ADDR=slurm.main_address,
        MASTER_PORT=str(slurm.main_port),
        WORLD_SIZE=said["SLURM_STEP_NUM_TASKS"],
        RANK=said["SLURM_PROCID"],
        LOCAL_RANK=said["SLURM_LOCALID"],
        LOCAL_WORLD_SIZE=each,
    )
