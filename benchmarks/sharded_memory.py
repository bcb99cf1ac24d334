"""What a process holds when weights are shared out: ``python benchmarks/sharded_memory.py [--ways fsdp:4 ...]``.

Trains a Transformer of 38 million parameters for three steps on the CPU, by one process and by several under
each way of sharing them out, and prints a table of the largest process: bytes of weights, gradients and
optimiser state between two steps, and by how much its resident memory grew over what it was before the model
was there, at rest and at the peak of a step.  A way is a strategy, a number of processes and, where groups
split layers, how many of them are in each: ``fsdp:4:2``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SPEC = """\
seqspec: 1
name: sharded_memory
data:
  source: {type: lines, synthetic: 40, language: en, splits: {train: input.txt}, cut: {train: 0.9, dev: 0.1}}
  text: {target: {tokenizer: bytes}}
  pack: {length: 64, document_mask: false, sample: offsets}
  batch: {unit: examples, size: 8}
model:
  type: language_model
  decoder: {type: transformer, num_layers: 12, dim: 512, num_heads: 8, positions: learned, max_positions: 64}
  head: {type: linear}
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-4}}
train: {max_steps: 3, clip_norm: 1.0, accumulate: 4, checkpoint_every_steps: 3, log_every_steps: 1}
evaluate: {every_steps: 3, splits: [dev]}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ways", nargs="+", default=["auto:1", "fsdp:2", "fsdp:4", "tp:4", "fsdp:4:2"])
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(asked.worker)
        return
    print("| way | weights | gradients | optimiser | together | resident at rest | peak of a step | loss |")
    print("|---|---|---|---|---|---|---|---|")
    for way in asked.ways:
        rows = measured(way)
        size = {name: max(row[name] for row in rows) / 1e6 for name in rows[0] if name != "loss"}
        size["together"] = size["weights"] + size["gradients"] + size["optimizer"]
        shown = [f"{size[name]:.0f} MB" for name in
                 ("weights", "gradients", "optimizer", "together", "rest", "peak")]  # fmt: skip
        print(f"| {way} | {' | '.join(shown)} | {rows[0]['loss']:.6f} |", flush=True)


def measured(way: str) -> list[dict[str, float]]:
    """What each of the processes of a way says."""
    count = int(way.split(":")[1])
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        (Path(folder) / "spec.yaml").write_text(SPEC)
        environment = {
            **os.environ, "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
            "SEQSPEC_CACHE": f"{folder}/cache", "WAY": way,
        }  # fmt: skip
        command = [sys.executable, __file__, "--worker", folder]
        started = [
            subprocess.Popen(command, env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)})
            for rank in range(count)
        ]
        if any([process.wait() for process in started]):
            sys.exit("a process failed")
        return [json.loads((Path(folder) / f"{rank}.json").read_text()) for rank in range(count)]


def work(folder: Path) -> None:
    """Be one of the processes."""
    from seqspec.compile.pipeline import compile as compile_spec
    from seqspec.runtime.devices.launch import Launch
    from seqspec.runtime.devices.sharded_tensors import local
    from seqspec.runtime.run import run
    from seqspec.runtime.run_stages import preparation
    from seqspec.runtime.training.training_module import Training

    held: dict[str, float] = {}
    init, step = Training.__init__, Training.optimizer_step

    # What is freed goes back to the system, whatever the number of processes: resident is what is in use.
    preparation.KEEP_BYTES = preparation.KEEP_OF_SHARDS

    def begun(self, *given, **named):
        # The model is there already: in every process the whole of it, for a moment.
        init(self, *given, **named)
        held["before"] = resident("VmRSS") - sum(sizes(local(p) for p in self.model.parameters()))
        reset_peak()

    def stepped(self, epoch, batch_idx, optimizer, optimizer_closure=None):
        def closure():
            loss = optimizer_closure()
            held["gradients"] = sum(sizes(local(p.grad) for p in self.model.parameters()))
            return loss

        step(self, epoch, batch_idx, optimizer, closure)
        held["peak"] = resident("VmHWM") - held["before"]
        held["rest"] = resident("VmRSS") - held["before"]
        held["weights"] = sum(sizes(local(p) for p in self.model.parameters()))
        held["optimizer"] = sum(sizes(local(t) for t in self.tensors()["optimizer"].values()))

    Training.__init__, Training.optimizer_step = begun, stepped
    strategy, count, *groups = os.environ["WAY"].split(":")
    launch = Launch(device="cpu", devices=int(count), strategy=strategy, threads=1, quiet=True,
                    tensor_parallel=int(groups[0]) if groups else None)  # fmt: skip
    found = run(compile_spec(folder / "spec.yaml"), runs=folder / "runs", launch=launch)
    lines = [json.loads(line) for line in (found.folder.path / "metrics.jsonl").read_text().splitlines()]
    held["loss"] = [line["loss"] for line in lines if line["event"] == "train"][-1]
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(held))


def sizes(tensors) -> Iterator[int]:
    return (tensor.numel() * tensor.element_size() for tensor in tensors)


def resident(what: str) -> int:
    """Bytes of this process's memory: ``VmRSS`` now, ``VmHWM`` at most."""
    return int(re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()
