"""What a launch refuses before anything is built, and how it finds its place among other processes."""

import os
import socket
import subprocess
import sys
from datetime import timedelta

import pytest
import torch

from seqspec.runtime.devices import processes
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.processes import together
from seqspec.schema.diagnostic import Exit, RunError

SLURM = {
    "SLURM_STEP_ID": "0",
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_NUM_TASKS": "6",
    "SLURM_STEP_TASKS_PER_NODE": "2(x3)",
    "SLURM_NODELIST": "gpu[07-09]",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
}
OURS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@pytest.fixture
def alone(monkeypatch):
    for name in (*OURS, *SLURM):
        # Set first, so that what is set meanwhile is taken away again.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


def test_srun_gives_rank_world_and_the_first_machine(alone):
    for name, value in SLURM.items():
        alone.setenv(name, value)

    place = Place.here(Launch(devices=2, nodes=3))

    assert place == Place(rank=3, world=6)
    found = {name: os.environ[name] for name in OURS}
    assert found["MASTER_ADDR"] == "gpu07"
    assert (found["LOCAL_RANK"], found["LOCAL_WORLD_SIZE"]) == ("1", "2")
    assert 15000 <= int(found["MASTER_PORT"]) < 25000


def test_a_batch_script_without_srun_is_one_process(alone):
    for name, value in SLURM.items():
        if name != "SLURM_STEP_ID":
            alone.setenv(name, value)

    assert Place.here(Launch()) == Place(rank=0, world=1)


def test_machines_that_cannot_find_each_other_do_not_wait(alone):
    with (
        pytest.raises(RunError, match="2 machines cannot find each other") as told,
        together(Launch(nodes=2)),
    ):
        pass
    assert told.value.exit is Exit.USAGE


@pytest.mark.parametrize(
    ("here", "launch", "said"),
    [
        (0, Launch(device="cuda"), "finds no CUDA device"),
        (1, Launch(device="cuda", devices=2), "2 processes for 1 CUDA device"),
        (2, Launch(device="auto", devices=4), "4 processes for 2 CUDA devices"),
    ],
)
def test_devices_that_are_not_here_are_refused(alone, here, launch, said):
    alone.setattr(torch.cuda, "is_available", lambda: here > 0)
    alone.setattr(torch.cuda, "device_count", lambda: here)

    with pytest.raises(RunError, match=said) as told:
        _ = launch.accelerator
    assert told.value.exit is Exit.USAGE


def test_without_a_gpu_auto_is_the_cpu(alone):
    alone.setattr(torch.cuda, "is_available", lambda: False)

    assert Launch(devices=8).accelerator == "cpu"


MEETS = """
import os
import torch
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.devices.processes import together
from seqspec.schema.diagnostic import RunError

try:
    with together(Launch(device="cpu", devices=2)) as place:
        torch.distributed.barrier()
        if place.rank:
            os._exit(9)
        torch.distributed.all_reduce(torch.ones(1))
except RunError as error:
    print(error)
# Threads of torch's that are left when Python ends abort the process, one time in four.
assert not torch.distributed.is_initialized()
"""
TWO = Launch(device="cpu", devices=2)


@pytest.fixture
def listening(alone):
    """The place of the first of two processes, and a socket bound to the port that they meet at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        found = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": one.getsockname()[1], "WORLD_SIZE": 2, "RANK": 0}
        for name, value in {**found, "LOCAL_RANK": 0}.items():
            alone.setenv(name, str(value))
        alone.setattr(processes, "TIMEOUT", timedelta(seconds=1))
        yield one


def refused():
    with pytest.raises(RunError) as told, together(TWO):
        pass
    return told.value


def test_a_port_in_use_is_told(listening):
    listening.listen()

    found = refused()

    assert "the port is in use" in str(found)
    assert (found.exit, "MASTER_PORT" in found.help) == (Exit.USAGE, True)


def test_processes_that_do_not_come_are_told(alone, listening):
    listening.close()

    found = refused()
    assert "not all of the 2 processes came to 127.0.0.1:" in str(found)
    assert (found.exit, "WORLD_SIZE" in found.help) == (Exit.LOST, True)

    alone.setenv("RANK", "1")
    found = refused()
    assert "the first process did not answer at 127.0.0.1:" in str(found)
    assert (found.exit, "reaches" in found.help) == (Exit.LOST, True)


def test_a_process_that_is_lost_is_told(listening):
    listening.close()
    command = [sys.executable, "-c", MEETS]

    with subprocess.Popen(command, env={**os.environ, "RANK": "1"}):
        told = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True).stdout

    assert told.startswith("another process of the run was lost: ")
    assert "/gloo/" not in told


@pytest.mark.parametrize(("rank", "world"), [("2", "2"), ("a", "2"), ("0", "two"), ("-1", "2"), ("0", "")])
def test_no_place_among_the_processes_is_told(alone, rank, world):
    alone.setenv("RANK", rank)
    alone.setenv("WORLD_SIZE", world)

    with pytest.raises(RunError, match=f"names no process of a run: RANK={rank}, WORLD_SIZE={world}") as told:
        Place.here(Launch())
    assert told.value.exit is Exit.USAGE


def test_processes_without_a_place_to_meet_are_told(alone, listening):
    alone.delenv("MASTER_ADDR")

    found = refused()

    assert "2 processes cannot find each other: MASTER_ADDR not set" in str(found)
    assert found.exit is Exit.USAGE


def test_other_mistakes_are_left_as_they_are():
    assert processes.lost_process(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
