"""What taking turns costs: the steps of two tasks in one run, against the same steps of each by itself.

    python benchmarks/task_throughput.py [--steps 60] [--rounds 5]

Two translation tasks of synthetic sentences share one encoder, batches are of one task each.  One process, contenders
in alternating order, CPU seconds (``process_time``) of complete training steps through ``lightning.Trainer``
(loading, forward, backward, update, journal), medians over the rounds; evaluation, checkpoints and the
preparation of data are outside.  ``ratio`` is the CPU time of as many steps singly over that of the joint run:
1 means that turns cost nothing.  Peak memory is of a process for each: the most that it held, and above what it held
before its first step.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

sys.path.insert(0, str(Path(__file__).parent))

from harness.process_memory import OPTION, memory_of, memory_of_each

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import keep_freed_memory
from seqspec.runtime.training.streams import training_stream
from seqspec.runtime.training.training_module import Training

NAMES = ("one", "two")
CONTENDERS = ("joint", *NAMES)


def main() -> None:
    """Prints a JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=60, help="steps of the joint run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument(OPTION, choices=CONTENDERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "throughput.yaml"
        spec.write_text(json.dumps(_spec(given)), encoding="utf-8")
        if given.memory_of:
            overlays = [Overlay.task(given.memory_of)] if given.memory_of in NAMES else []
            print(json.dumps(memory_of(_Contender(spec, overlays, steps=given.steps).seconds)))
            return
        joint = _Contender(spec, [], steps=given.steps)
        had = joint.turns()
        alone = {name: _Contender(spec, [Overlay.task(name)], steps=had[name]) for name in NAMES}
        contenders = {"joint": joint, **alone}
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for contender in contenders.values():
            contender.seconds()  # warm
        for round_ in range(given.rounds):
            order = list(contenders) if round_ % 2 == 0 else list(reversed(contenders))
            for name in order:
                times[name].append(contenders[name].seconds())
    medians = {name: statistics.median(values) for name, values in times.items()}
    singly = sum(medians[name] for name in NAMES)
    told = {name: round(1000 * value / contenders[name].steps, 2) for name, value in medians.items()}
    settings = {name: value for name, value in vars(given).items() if name != "memory_of"}
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    memory = memory_of_each(CONTENDERS, (__file__, *options))
    print(json.dumps({
        **settings, "turns": had, "milliseconds_a_step": told, "ratio": round(singly / medians["joint"], 3),
        **memory,
    }))  # fmt: skip


class _Contender:
    """The first steps of a plan, from data that are prepared, again and again."""

    def __init__(self, spec: Path, overlays: list[Overlay], *, steps: int) -> None:
        compiled = compile_spec(spec, overlays=[*overlays, Overlay.set(f"train.max_steps={steps}")])
        self.steps = steps
        self.assembled = assemble(compiled, splits=("train",), initial=True, taught=True)

    def turns(self) -> dict[str, int]:
        from seqspec.runtime.training.streams import turns_of

        turns = turns_of(self.assembled)
        assert turns is not None
        return dict(turns.counts(self.steps))

    def seconds(self) -> float:
        """CPU seconds of the steps, through the module that runs use."""
        from lightning.pytorch import Trainer

        module = Training(self.assembled.program, micro_batches=1)
        stream = training_stream(
            self.assembled, max_steps=self.steps, micro_batches=1,
            launch=Launch(device="cpu", workers=0), place=Place(),
        )(0)  # fmt: skip
        settings: dict[str, Any] = dict.fromkeys(
            ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
        )
        trainer = Trainer(accelerator="cpu", max_epochs=1, limit_val_batches=0, num_sanity_val_steps=0,
                          use_distributed_sampler=False, **settings)  # fmt: skip
        begun = time.process_time()
        trainer.fit(module, train_dataloaders=stream)
        return time.process_time() - begun


def _spec(given: argparse.Namespace) -> dict[str, Any]:
    text = {"tokenizer": {"type": "sentencepiece", "vocab_size": 500, "limit": "soft"}}
    task = {
        "data": {
            "source": {"type": "bitext", "synthetic": 2000, "source_language": "de", "target_language": "en"},
            "text": {"source": text, "target": text},
            "filter": {"max_source_tokens": 100, "max_target_tokens": 100},
            "batch": {"unit": "tokens", "size": given.tokens},
        }
    }
    return {
        "seqspec": 1,
        "name": "task_throughput",
        "shared": {"body": {"type": "transformer", "num_layers": 2, "dim": given.dim, "num_heads": 4}},
        "tasks": dict.fromkeys(NAMES, task),
        "model": {
            "type": "encoder_decoder",
            "encoder": {"use": "shared.body"},
            "decoder": {"type": "transformer", "num_layers": 2},
        },
        "optimizer": {"type": "adamw", "schedule": {"type": "constant", "peak": 1e-3}},
        "train": {"max_steps": 2, "clip_norm": 1.0, "checkpoint_every_steps": 1},
        "evaluate": {"every_steps": None},
    }


if __name__ == "__main__":
    main()
