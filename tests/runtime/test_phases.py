"""A procedure of two phases keeps every promise that one of one phase keeps."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from seqspec.runtime.checkpoints.retention import steps_of
from seqspec.runtime.training.stop_reasons import NotFinite
from seqspec.runtime.training.training_module import Training
from tests.runtime.fakes import start
from tests.runtime.test_training import JUDGED, LostAt, digest, resumed

TWO = {
    "procedure": "adversarial",
    "phases": {"critic_steps": 2},
    "optimizers": {
        "generator": {"parameters": ["model.first", "model.norm"]},
        "critic": {"parameters": ["model.last"], "clip_norm": 0.5},
    },
}


@pytest.fixture(autouse=True)
def one_thread():
    """As the processes have that the tests start: runs before may have left this one with more."""
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"accumulate": 2, "ema": 0.9},
        {"weight_noise": {"std": 0.01, "from_step": 3}, "clip_norm": 1.0},
        {"adaptive_clip": {"decay": 0.5, "threshold": 1.0}, "l2": 1e-3, "ema": 0.5},
        {"precision": "float16", "loss_scale": {"initial": 2.0**20, "growth_every_steps": 2}},
    ],
)
def test_a_run_that_was_cut_off_ends_in_the_same_bits(tmp_path, settings):
    whole = start(tmp_path / "whole", max_steps=17, evaluate=JUDGED, **TWO, **settings)
    lost = LostAt(tmp_path / "cut", step=12, max_steps=17, evaluate=JUDGED, **TWO, **settings)

    again = start(tmp_path / "cut", resume=lost, max_steps=17, evaluate=JUDGED, **TWO, **settings)

    assert lost.step == 10
    assert digest(again) == digest(whole)
    assert (tmp_path / "cut/metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()
    assert resumed(tmp_path / "cut").state == resumed(tmp_path / "whole").state


def test_a_kill_in_any_turn_of_a_cycle_changes_no_bit(tmp_path):
    settings = {"max_steps": 9, "accumulate": 2, "ema": 0.9, **TWO}
    whole = start(tmp_path / "whole", **settings)

    assert in_process(tmp_path, settings, kills=[21, 22, 23]) == 0

    for cut in (tmp_path / "21", tmp_path / "22", tmp_path / "23"):
        assert steps_of(cut / "checkpoints") == [5]
        again = start(cut, resume=resumed(cut), **settings)
        assert digest(again) == digest(whole)
        assert (cut / "metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()


def test_two_processes_with_a_slice_equal_one_with_two(tmp_path):
    settings = {"max_steps": 7, "accumulate": 2, "ema": 0.9, **TWO}
    one = start(tmp_path / "one", **settings)

    assert in_process(tmp_path / "two", settings, world=2) == 0

    weights = resumed(tmp_path / "two")
    assert weights.step == 7
    found = {f"{file}/{name}": t for file, ts in weights.tensors.items() for name, t in ts.items()}
    held = {f"{file}/{name}": t for file, ts in one.tensors().items() for name, t in ts.items()}
    assert found.keys() == held.keys()
    # torch's own running means, which the fake has, follow one process; the layers of the package follow all.
    buffers = {f"weights/{name}" for name, _ in one.model.named_buffers()}
    assert [name for name in found if not torch.equal(found[name], held[name]) and name not in buffers] == []
    assert (tmp_path / "two/metrics.jsonl").read_bytes() == (tmp_path / "one/metrics.jsonl").read_bytes()


def test_each_phase_moves_its_own_parameters_by_its_own_optimiser(tmp_path, monkeypatch):
    seen: list[tuple[str, set[str]]] = []
    step = Training.optimizer_step

    def watched(self, *given, **named):
        before = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        phase = self.cycle.turn.phase.name
        step(self, *given, **named)
        moved = {name for name, p in self.model.named_parameters() if not torch.equal(p, before[name])}
        seen.append((phase, {name.partition(".")[0] for name in moved}))

    monkeypatch.setattr(Training, "optimizer_step", watched)

    module = start(tmp_path, max_steps=2, **TWO)

    critic, generator = ("critic", {"last"}), ("generator", {"first", "norm"})
    assert seen == [critic, critic, generator] * 2
    assert module.step == 2
    assert all(parameter.requires_grad for parameter in module.model.parameters())


def test_the_phases_of_one_step_draw_different_random_numbers(tmp_path):
    one = start(tmp_path / "one", max_steps=1, **TWO)
    more = {**TWO, "phases": {"critic_steps": 1}}

    other = start(tmp_path / "other", max_steps=1, **more)

    assert not torch.equal(one.model.last.weight, other.model.last.weight)


def test_the_journal_names_the_phase_of_every_number(tmp_path):
    start(tmp_path, max_steps=3, **TWO)

    (line,) = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    names = ["loss", "nll", "norm", "rate"]
    assert sorted(line) == sorted(
        ["event", "step", *(f"{phase}/{name}" for phase in ("critic", "generator") for name in names)]
    )


def test_a_number_that_is_not_finite_names_its_phase(tmp_path):
    with pytest.raises(NotFinite, match="phase `generator` of step 3") as caught:
        start(tmp_path, max_steps=10, poison=8, **TWO)

    assert (caught.value.step, caught.value.phase) == (3, "generator")


def test_a_norm_that_is_read_late_names_the_phase_that_it_came_from(tmp_path, monkeypatch):
    monkeypatch.setattr(Training, "waits", False)

    with pytest.raises(NotFinite, match="phase `critic` of step 3"):
        start(tmp_path, max_steps=10, poison=7, **TWO)


def test_a_budget_skips_the_update_of_one_phase(tmp_path):
    module = start(tmp_path, max_steps=5, poison=7, skip_non_finite=1, **TWO)

    assert module.finite.skipped == 1
    assert all(torch.isfinite(value).all() for value in module.model.state_dict().values())


def in_process(folder: Path, settings: dict, *, kills: Sequence[int] = (), world: int = 1) -> int:
    """Train in ``world`` processes of their own, or once for each update to be killed in; the worst exit code."""
    port = free_port()
    processes = []
    for rank in range(world):
        places = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world)}
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_WORLD_SIZE": str(world)}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **({**places, **address} if world > 1 else {})}
        command = [sys.executable, "-m", "tests.runtime.phases_apart", str(folder), json.dumps(kills)]
        processes.append(subprocess.Popen([*command, json.dumps(settings)], env=environment))
    return max((process.wait(timeout=120) for process in processes), key=abs)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
