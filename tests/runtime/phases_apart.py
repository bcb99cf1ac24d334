"""Trains the fake program in a process of its own: ``FOLDER KILLS SETTINGS``.

``KILLS`` is a list of updates, from 1: for each of them a child trains in ``FOLDER/UPDATE`` and kills itself in
the middle of that update.  With an empty list it trains in ``FOLDER`` and is left alone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import torch

from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.processes import together
from seqspec.runtime.training.training_module import Training
from tests.runtime.fakes import start


def main(folder: Path, kills: list[int], settings: dict) -> None:
    torch.set_num_threads(1)
    for update in kills:
        child = os.fork()
        if not child:
            _kill_in(update)
            start(folder / str(update), **settings)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
    if kills:
        return
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        start(folder, **settings)
        return
    with together(Launch(devices=world, quiet=True)):
        start(folder, place=Place(int(os.environ["RANK"]), world), **settings)


def _kill_in(update: int) -> None:
    """Of an update the weights have moved and nothing else has happened."""
    step, done = Training.optimizer_step, []

    def counted(self, epoch, batch_idx, optimizer, optimizer_closure=None):
        done.append(True)
        if len(done) == update:
            optimizer_closure()
            self.cycle.turn.mover.optimizer.step()
            os.kill(os.getpid(), signal.SIGKILL)
        step(self, epoch, batch_idx, optimizer, optimizer_closure)

    Training.optimizer_step = counted


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]))
