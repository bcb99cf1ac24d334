"""A stack of equal layers under torch's own pipeline (GPipe's schedule): what comes out, and what is missing.

    python benchmarks/pipeline_gpipe.py

Two gloo processes on the CPU each hold half of the layers of a language model; embedding and entrance are with
the first, norm, head and loss with the second (Huang et al. 2019, arXiv:1811.06965, by
``torch.distributed.pipelining.ScheduleGPipe``).  A step of four micro-batches is compared with one process that
accumulates them: its loss, the gradients of the layers, and those of the table that the embedding and the
head share where they are tied.  With dropout each stage begins the random numbers of a micro-batch as a run
does, by its number.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.pipelining import PipelineStage, ScheduleGPipe
from torch.nn import functional

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.devices.random_numbers import set_seed

SPEC = """\
seqspec: 1
name: pipelined
data:
  source: {{type: lines, synthetic: 40, language: en, splits: {{train: input.txt}}, cut: {{train: 0.9, dev: 0.1}}}}
  text: {{target: {{tokenizer: bytes}}}}
  pack: {{length: 64, document_mask: false, sample: offsets}}
  batch: {{unit: examples, size: 32}}
model:
  type: language_model
  tie: target
  decoder: {{type: transformer, num_layers: 8, dim: 128, num_heads: 4, dropout: {dropout}, positions: rotary}}
  head: {{type: linear}}
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 1}}
"""
MICRO_BATCHES = 4
ROWS, LENGTH = 32, 64
STEPS = 4


def main() -> None:
    for dropout in (0.0, 0.1):
        with tempfile.TemporaryDirectory(prefix="seqspec-pipeline-") as folder:
            _forked(Path(folder), dropout)
            print((Path(folder) / "found.json").read_text(), flush=True)


def _forked(folder: Path, dropout: float) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        met = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    started = []
    for rank in (0, 1):
        started.append(os.fork())
        if not started[-1]:
            torch.set_num_threads(1)
            distributed.init_process_group("gloo", init_method=met, rank=rank, world_size=2)
            _compare(folder, dropout, rank)
            distributed.destroy_process_group()
            os._exit(0)
    if any([os.waitpid(one, 0)[1] for one in started]):
        raise SystemExit("a process failed")


def _compare(folder: Path, dropout: float, rank: int) -> None:
    spec = folder / f"{rank}.yaml"
    spec.write_text(SPEC.format(dropout=dropout))
    model: Any = assemble(compile_spec(spec)).program.model.train()
    ids = torch.randint(5, 200, (ROWS, LENGTH + 1), generator=torch.Generator().manual_seed(1))
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
    alone, seconds_alone = _alone(model, inputs, targets)
    gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    stage_module = _Stage(model, first=rank == 0)
    stage = PipelineStage(stage_module, rank, 2, torch.device("cpu"))
    schedule = ScheduleGPipe(stage, MICRO_BATCHES, loss_fn=_loss)
    losses: list[Tensor] = []
    seconds = []
    for _ in range(STEPS):
        model.zero_grad()
        losses.clear()
        stage_module.seen = 0
        begun = time.perf_counter()
        if rank == 0:
            schedule.step(inputs)
        else:
            schedule.step(target=targets, losses=losses)
        distributed.barrier()
        seconds.append(time.perf_counter() - begun)
    own = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    layers = max(_apart(own[name], gradients[name]) for name in own if ".layers." in name)
    table = next(name for name, parameter in model.named_parameters() if parameter is model.head.weight_VD)
    found = {"layers": layers, "tied_table": _apart(own[table], gradients[table]),
             "loss": float(torch.stack(losses).detach().mean()) if losses else None}  # fmt: skip
    both: list[Any] = [None, None]
    distributed.all_gather_object(both, found)
    if rank == 0:
        said = {
            "dropout": dropout, "loss_alone": float(alone), "loss_of_stages": both[1]["loss"],
            "gradient_of_layers": [one["layers"] for one in both],
            "gradient_of_tied_table": [one["tied_table"] for one in both],
            "seconds_alone": round(seconds_alone, 3), "seconds_of_two": round(min(seconds), 3),
            "idle_by_schedule": round(1 / (MICRO_BATCHES + 1), 3),
        }  # fmt: skip
        (folder / "found.json").write_text(json.dumps(said))


class _Stage(nn.Module):
    """Half of a language model."""

    def __init__(self, model: Any, *, first: bool) -> None:
        super().__init__()
        half = len(model.decoder.layers) // 2
        self.model, self.first = model, first
        self.layers = model.decoder.layers[:half] if first else model.decoder.layers[half:]
        self.seen = 0

    def forward(self, x: Tensor) -> Tensor:
        set_seed(self.seen)
        self.seen += 1
        decoder = self.model.decoder
        if self.first:
            return _through(decoder, self.layers, decoder.entrance(decoder.embedding(x)))
        given: Tensor = self.model.head(decoder.norm(_through(decoder, self.layers, x)))
        return given


def _through(decoder: Any, layers: nn.ModuleList, x: Tensor) -> Tensor:
    from seqspec.components._layers.transformer_layer import Context

    for layer in layers:
        x = layer(x, Context(causal=True))
    return x


def _alone(model: Any, inputs: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    """The mean loss, its gradients left on the parameters, and the seconds of the fastest step."""
    seconds, losses = [], []
    for _ in range(STEPS):
        model.zero_grad()
        losses = []
        begun = time.perf_counter()
        for micro, (rows, wanted) in enumerate(_micro_batches(inputs, targets)):
            set_seed(micro)
            decoder = model.decoder
            x = _through(decoder, decoder.layers, decoder.entrance(decoder.embedding(rows)))
            loss = _loss(model.head(decoder.norm(x)), wanted)
            (loss / MICRO_BATCHES).backward()
            losses.append(loss.detach())
        seconds.append(time.perf_counter() - begun)
    return torch.stack(losses).mean(), min(seconds)


def _micro_batches(inputs: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(inputs.chunk(MICRO_BATCHES), targets.chunk(MICRO_BATCHES), strict=True)


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def _apart(given: Tensor, expected: Tensor) -> float:
    return float((given - expected).norm() / expected.norm())


if __name__ == "__main__":
    main()
