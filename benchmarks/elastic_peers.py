"""Peers that join, leave and die, and share out each update by leases: what torchft gives to a program of seqspec.

    pip install torchft
    python benchmarks/elastic_peers.py --steps 60 --interval 10

The form of DeDLOC (Diskin et al. 2021, arXiv:2106.10207): an update is the mean gradient of so many micro-batches,
whoever works them out.  A peer takes the number of the next one (a counter that the parent holds, one for each
step and membership), so a slow peer takes fewer.  Then all sum what they have, by gloo.  torchft's lighthouse says
who is there (more than half of the peers: with fewer two groups each went on from step 0 by themselves, and had other
weights when they met); where one dies before the sum, nobody updates, and the step begins anew among those that are left; one
that comes gets the weights and the optimiser of a living peer.  Micro-batch n of step g is the same one whoever
takes it, with its own random numbers, so that only the order of sums differs from one process.

Rows: one peer, one peer with another seed, peers of which the last takes four times as long, and the same with a
peer killed by SIGKILL every ``--interval`` seconds and started again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.distributed import TCPStore

SPEC = Path(__file__).parents[1] / "specs" / "lm_shakespeare_char.yaml"
MICRO_BATCHES = 8
FURTHER = 32
"""Micro-batches beyond those of training on which the loss is measured."""
WAIT = timedelta(seconds=20)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--steps", type=int, default=60)
    options.add_argument("--peers", type=int, default=3)
    options.add_argument("--interval", type=float, default=10.0)
    options.add_argument("--peer", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.peer:
        _peer(**json.loads(given.peer))
        return
    slow = [0.05] * (given.peers - 1) + [0.2]
    rows: dict[str, Any] = {
        "one": partial(_trained, given.steps, [0.05]),
        "one, seed 2": partial(_trained, given.steps, [0.05], seed=2),
        f"{given.peers} uneven": partial(_trained, given.steps, slow),
        f"{given.peers} uneven, killed": partial(_trained, given.steps, slow, interval=given.interval),
    }
    for name, train in rows.items():
        print(json.dumps({"peers": name, **train()}), flush=True)


def _trained(
    steps: int, slow: list[float], *, seed: int = 1, interval: float | None = None
) -> dict[str, Any]:
    """One run of all peers to its end."""
    with tempfile.TemporaryDirectory(prefix="seqspec-peers-") as name:
        folder, port = Path(name), _free_port()
        store = TCPStore("127.0.0.1", _free_port(), is_master=True, wait_for_workers=False)
        house = subprocess.Popen(
            [Path(sys.executable).with_name("torchft_lighthouse"), "--min_replicas", f"{len(slow) // 2 + 1}", "--join_timeout_ms", "1000",
             "--heartbeat_timeout_ms", "2000", "--bind", f"[::]:{port}"], stderr=subprocess.DEVNULL,
        )  # fmt: skip

        def start(index: int) -> subprocess.Popen[bytes]:
            told = {"index": index, "slow": slow[index], "steps": steps, "seed": seed, "folder": name,
                    "store_port": store.port, "lighthouse": f"http://127.0.0.1:{port}"}  # fmt: skip
            with (folder / f"{index}.log").open("ab") as log:
                return subprocess.Popen(
                    [sys.executable, __file__, "--peer", json.dumps(told)], stdout=log, stderr=log
                )

        begun, kills, choose = time.monotonic(), 0, random.Random(seed)
        peers = {index: start(index) for index in range(len(slow))}
        due = begun + (interval or 0)
        try:
            while not any(folder.glob("loss-*.json")):  # all come to the last step together
                for index, one in peers.items():
                    if one.poll() not in (None, 0):
                        if one.returncode > 0:
                            raise SystemExit((folder / f"{index}.log").read_text()[-2000:])
                        peers[index] = start(index)
                alive = [index for index, one in peers.items() if one.poll() is None]
                trains = (folder / "steps.jsonl").exists()
                if interval and trains and time.monotonic() > due and len(alive) == len(peers):
                    peers[choose.choice(alive)].kill()
                    kills, due = kills + 1, time.monotonic() + interval
                time.sleep(0.2)
        finally:
            for one in (*peers.values(), house):
                one.kill()
        return _summary(folder, kills=kills, seconds=time.monotonic() - begun)


def _summary(folder: Path, *, kills: int, seconds: float) -> dict[str, Any]:
    lines = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    updates = [one for one in lines if one["update"]]
    taken: dict[int, int] = {}
    for one in updates:
        taken[one["peer"]] = taken.get(one["peer"], 0) + one["taken"]
    whole = {one["step"]: 0 for one in updates}
    for one in updates:
        whole[one["step"]] += one["taken"]
    weights: dict[int, set[float]] = {}
    for one in updates:
        weights.setdefault(one["step"], set()).add(one["weights"])
    loss = json.loads(next(iter(sorted(folder.glob("loss-*.json")))).read_text())
    return {
        "loss": round(loss, 4), "micro-batches by peer": dict(sorted(taken.items())), "kills": kills,
        "steps begun anew": len({(one["step"], one["quorum"]) for one in lines if not one["update"]}),
        "updates of all micro-batches": sum(n == MICRO_BATCHES for n in whole.values()),
        "updates with other weights elsewhere": sum(len(found) > 1 for found in weights.values()), "seconds": round(seconds),
    }  # fmt: skip


def _peer(
    *, index: int, slow: float, steps: int, seed: int, folder: str, store_port: int, lighthouse: str
) -> None:
    from torchft import Manager, ProcessGroupGloo

    import seqspec
    from seqspec.runtime.devices.random_numbers import set_seed

    torch.set_num_threads(1)
    sets = [
        f"seed={seed}",
        f"train.accumulate={MICRO_BATCHES}",
        "data.batch.size=48",
        "train.max_steps=10000",
    ]
    bundle = seqspec.build(seqspec.load(SPEC, profiles=["tiny"], set=sets))
    program = bundle.assembled.program
    model = program.module.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    batches = list(islice(bundle.data.train_dataloader(), steps * MICRO_BATCHES + FURTHER))
    leases = TCPStore("127.0.0.1", store_port, is_master=False)
    home = TCPStore("127.0.0.1", _free_port(), is_master=True, wait_for_workers=False)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(home.port), "RANK": "0", "WORLD_SIZE": "1",
                   "TORCHFT_LIGHTHOUSE": lighthouse}  # fmt: skip

    def load(state: dict[str, Any]) -> None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])

    manager = Manager(
        pg=ProcessGroupGloo(timeout=WAIT), min_replica_size=1, use_async_quorum=False, replica_id=f"peer{index}",
        load_state_dict=load, timeout=WAIT, connect_timeout=WAIT, quorum_timeout=WAIT,
        state_dict=lambda: {"model": model.state_dict(), "optimizer": optimizer.state_dict()},
    )  # fmt: skip
    while manager.current_step() < steps:
        manager.start_quorum()  # a peer that is new has the state of the others from here on
        step, quorum, taken = manager.current_step(), manager._quorum_id, 0
        optimizer.zero_grad(set_to_none=False)
        while (lease := leases.add(f"{step}/{quorum}", 1) - 1) < MICRO_BATCHES:
            number = step * MICRO_BATCHES + lease
            set_seed(number)
            _mean(program, batches[number]).backward()
            taken += 1
            time.sleep(slow)
        gradients = [
            one.grad if one.grad is not None else torch.zeros_like(one) for one in model.parameters()
        ]
        flat = torch.cat([*(one.flatten() for one in gradients), torch.tensor([float(taken)])])
        manager.allreduce(flat).wait()
        update = manager.should_commit()
        if update:
            told = (flat[:-1] / flat[-1]).split([one.numel() for one in gradients])
            for parameter, gradient in zip(model.parameters(), told, strict=True):
                parameter.grad = gradient.view_as(parameter).clone()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        weights = sum(float(one.double().sum()) for one in model.parameters())
        with (Path(folder) / "steps.jsonl").open("a") as log:
            line = {"peer": index, "step": step, "quorum": quorum, "taken": taken, "update": update,
                    "weights": weights}  # fmt: skip
            log.write(json.dumps(line) + "\n")
    model.eval()
    with torch.no_grad():
        losses = [float(_mean(program, one)) for one in batches[steps * MICRO_BATCHES :]]
    told, place = Path(folder) / f"{index}.part", Path(folder) / f"loss-{index}.json"
    told.write_text(json.dumps(sum(losses) / len(losses)))
    told.replace(place)
    manager.shutdown(wait=False)
    os._exit(0)


def _mean(program: Any, batch: Any) -> torch.Tensor:
    """Nats a character."""
    loss = program.losses(program.module, batch)
    mean: torch.Tensor = loss.total / loss.count
    return mean


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
