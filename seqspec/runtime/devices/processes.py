"""Several processes for one run: started here for ``--devices``, or by torchrun or SLURM; they agree on the
run directory.

Training itself is shared by Lightning's strategies.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.speaker import share_the_word
from seqspec.schema.diagnostic import Exit, RunError

TIMEOUT = timedelta(minutes=10)
"""How long one process waits for another before it counts as hung."""


@contextmanager
def together(launch: Launch) -> Iterator[Place]:
    """The place of this process, with the others started and connected; alone, nothing happens."""
    place = Place.here(launch)
    if place.world == 1:
        yield place
        return
    alone = "RANK" not in os.environ and "LOCAL_RANK" not in os.environ
    lacks = [name for name in ("MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if lacks and not alone:
        raise RunError(
            f"{place.world} processes cannot find each other: {' and '.join(lacks)} not set",
            exit=Exit.USAGE,
            help="start each with `torchrun` or `srun`, which set it, or name a place that all of them reach",
        )
    if alone and launch.nodes > 1 and "MASTER_ADDR" not in os.environ:
        raise RunError(
            f"{launch.nodes} machines cannot find each other",
            exit=Exit.USAGE,
            help="start each with `torchrun` or `srun`, or set MASTER_ADDR, MASTER_PORT and NODE_RANK",
        )
    others = _start_others(launch) if alone else []
    place = Place.here(launch)
    connected = False
    try:
        connected = _connect(launch, place)
        yield place
    except RuntimeError as error:
        if why := lost_process(error):
            help = "what it or its machine says tells why; `--resume auto` goes on from the last checkpoint"
            raise RunError(f"another process of the run was lost: {why}", exit=Exit.LOST, help=help) from None
        raise
    finally:
        if connected:
            _disconnect()
        for process in others:
            _end(process)


def agree(value: Any, place: Place) -> Any:
    """What the first process has, in every process."""
    if place.world == 1:
        return value
    import torch.distributed as dist

    held = [value]
    dist.broadcast_object_list(held, src=0)
    return held[0]


def gather(value: Any) -> list[Any]:
    """What every process has, in order of rank."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return [value]
    held: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(held, value)
    return held


def lost_process(error: BaseException) -> str | None:
    """What torch says of a process that does not answer any more; ``None`` where ``error`` is another."""
    import torch.distributed as dist

    told = str(error).partition("\n")[0]
    if not dist.is_available() or not (isinstance(error, dist.DistError) or "/gloo/" in told):
        return None
    # Gloo's begin with a file of its sources and end with advice.
    return re.sub(r"^\[[^\]]*\] ", "", told).partition(". ")[0].rstrip(".")


def _start_others(launch: Launch) -> list[subprocess.Popen[bytes]]:
    """The same command once more for every further device of this machine."""
    node = int(os.environ.get("NODE_RANK", "0"))
    shared = {
        "MASTER_ADDR": os.environ.get("MASTER_ADDR", "127.0.0.1"),
        "MASTER_PORT": os.environ.get("MASTER_PORT") or str(_free_port()),
        "WORLD_SIZE": str(launch.devices * launch.nodes),
        "NODE_RANK": str(node),
    }
    os.environ.update(shared)
    word = share_the_word()
    started = []
    for local in range(1, launch.devices):
        places = {"LOCAL_RANK": str(local), "RANK": str(node * launch.devices + local)}
        command = [sys.executable, "-m", "seqspec", *sys.argv[1:]]
        process = subprocess.Popen(
            command, env={**os.environ, **places}, stdout=subprocess.DEVNULL, pass_fds=(word,)
        )
        started.append(process)
    os.environ.update({"LOCAL_RANK": "0", "RANK": str(node * launch.devices)})
    return started


def _connect(launch: Launch, place: Place) -> bool:
    """Whether the processes were not connected before."""
    import torch
    import torch.distributed as dist

    os.environ.setdefault("LOCAL_RANK", str(place.rank % max(1, launch.devices)))
    if launch.accelerator == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "nccl" if launch.accelerator == "cuda" else "gloo"
    if dist.is_initialized():
        return False
    try:
        dist.init_process_group(backend, rank=place.rank, world_size=place.world, timeout=TIMEOUT)
    except dist.DistError as error:
        raise _unmet(error, place) or error from None
    return True


def _disconnect() -> None:
    """End torch's threads: where one is left when Python ends, the process is aborted (exit code 134)."""
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()


def _unmet(error: Exception, place: Place) -> RunError | None:
    """Why the processes did not find each other, where that is what ``error`` says."""
    meeting = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    minutes = f"{TIMEOUT.total_seconds() / 60:g} minutes"
    if "EADDRINUSE" in str(error):
        return RunError(
            f"the processes cannot meet at {meeting}: the port is in use",
            exit=Exit.USAGE,
            help="set MASTER_PORT to another one for all of them",
        )
    if "timed out" not in str(error).lower():
        return None
    if place.rank:
        return RunError(
            f"the first process did not answer at {meeting} for {minutes}",
            exit=Exit.LOST,
            help="start it too, and let MASTER_ADDR and MASTER_PORT name a place that every machine reaches",
        )
    return RunError(
        f"not all of the {place.world} processes came to {meeting} within {minutes}",
        exit=Exit.LOST,
        help="start the others too, with the same MASTER_ADDR, MASTER_PORT and WORLD_SIZE",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
