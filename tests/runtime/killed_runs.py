"""Runs a spec whole, then once for each update that is named, killed in its middle and resumed; prints the
updates after which the end was another one.  ``SPEC FOLDER MAX_STEPS UPDATE…``, in a process of its own.
A spec that has a profile ``tiny`` is trained in it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.checkpoints.selection import chosen
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import resume, run
from seqspec.runtime.training.training_module import Training

LAUNCH = Launch(device="cpu", threads=1, quiet=True)


def main(
    spec: Path, folder: Path, max_steps: int, updates: list[int], *, sets: Sequence[str] = ()
) -> list[int]:
    steps = (f"train.max_steps={max_steps}", "train.checkpoint_every_steps=2")
    overlays = [Overlay.set(one) for one in (*steps, *sets)]
    if "\n  tiny:" in spec.read_text(encoding="utf-8"):
        overlays.insert(0, Overlay.profile("tiny"))
    compiled = compile_spec(spec, overlays=overlays)
    whole = bits(run(compiled, runs=folder / "whole", launch=LAUNCH).folder.path)
    different = []
    for update in updates:
        runs = folder / str(update)
        child = os.fork()
        if not child:
            kill_in(update)
            run(compiled, runs=runs, launch=LAUNCH)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        (killed,) = (path for path in runs.glob("*/*") if path.is_dir())
        resume(killed, launch=LAUNCH)
        if bits(killed) != whole:
            different.append(update)
    return different


def bits(run: Path) -> tuple[bytes, dict[str, bytes]]:
    """The journal, and every tensor of the last checkpoint."""
    last = chosen(run / "checkpoints", "last")
    tensors = {f"{file}/{name}": tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
               for file, held in last.tensors.items() for name, tensor in held.items()}  # fmt: skip
    return (run / "metrics.jsonl").read_bytes(), tensors


def kill_in(update: int) -> None:
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
    torch.set_num_threads(1)
    found = main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), [int(one) for one in sys.argv[4:]])
    print(json.dumps(found))
