"""What a launch refuses before anything is built, and how it finds its place among other processes."""

import os

import pytest
import torch

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
