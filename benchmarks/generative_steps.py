"""What a training step of models that make things costs, beside a plain loop over the same model.

    python benchmarks/generative_steps.py                                   every family
    python benchmarks/generative_steps.py --families gan hifigan --steps 16 --rounds 5

VAE, VQ-VAE, GAN, diffusion (U-Net and DiT), segmentation, Tacotron 2, FastPitch, HiFi-GAN, parts of point clouds and
next frames, each by its shipped spec at a size whose step takes tens of milliseconds, and two small models of text and
speech.  ``seqspec`` is what ``seqspec run`` does between its first checkpoint and its last: loading, augmentation,
features, seeds, forward, backward, checks, update, journal, signals.  ``plain`` is a loop of some twenty lines over the
same model, losses and batches, which lie in memory before the clock starts: it takes the phases of an adversarial step in
turn, holds still the parameters of the others, sets the rate, clips, updates in one fused kernel, and keeps the moving
average of weights.  ``plain_reading`` is that loop over our reader, since no loop has its batches for nothing.

One process and one thread, contenders in alternating order, CPU seconds (``process_time``) of an update
from its batch being asked for to the next being asked for, the first and the last left out, medians of the rounds;
``speed`` is the plain loop's time over ours, 1 where they cost the same, ``speed_reading`` that of the loop that
reads: medians of the quotients of each round, whose contenders ran at the same time and met the same other work.  ``rest`` is what an update of a run takes beside reading, forward, backward and update of the weights,
the median of one run more in which these are timed apart.  Peak memory is of a process for each contender: the most that it held, and above what it held before the first
step; none keeps batches there.  Prints a JSON line a family.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

sys.path.insert(0, str(Path(__file__).parent))

from harness.process_memory import OPTION, memory_of, memory_of_each

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import keep_freed_memory
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training import training_module
from seqspec.runtime.training.losses.objective import Objective
from seqspec.runtime.training.step_boundary import EvaluationResult
from seqspec.runtime.training.streams import training_stream, unit_of
from seqspec.runtime.training.trainer import train
from seqspec.runtime.training.training_module import Training

SPECS = Path(__file__).parents[1] / "specs"


@dataclass(frozen=True)
class Family:
    """A spec, and what its profile ``tiny`` is set to."""

    spec: str
    sets: tuple[str, ...] = ()


FAMILIES = {
    "vae": Family("vae_mnist", (
        "data.batch.size=128", "model.latent=20", "model.encoder.dims=[500]", "model.decoder.dims=[500]",
    )),
    "vq_vae": Family("vq_vae_cifar10", (
        "data.batch.size=16", "model.codes=64", "model.encoder.dim=16", "model.encoder.channels=32",
        "model.decoder.channels=32",
    )),
    "gan": Family("gan_mnist", ("data.batch.size=64", "model.generator.channels=32", "model.discriminator.channels=32")),
    "diffusion_unet": Family("diffusion_cifar10", ("model.network.dim=32", "data.batch.size=16")),
    "diffusion_dit": Family("diffusion_mnist_dit", (
        "model.network.dim=64", "model.network.num_layers=2", "model.network.num_heads=4",
    )),
    "segmentation": Family("segmentation_pet_unet", (
        "data.source.height=64", "data.source.width=64", "model.encoder.channels=16",
    )),
    "tacotron2": Family("tts_ljspeech_tacotron2", (
        "model.dim=64", "model.prenet_dim=32", "model.attention_rnn_dim=128", "model.decoder_rnn_dim=128",
        "model.postnet_dim=64",
    )),
    "fastpitch": Family("tts_ljspeech_fastpitch", (
        "model.encoder.dim=96", "model.encoder.feed_forward_dim=384", "model.decoder.dim=96",
        "model.decoder.feed_forward_dim=384",
    )),
    "hifigan": Family("vocoder_ljspeech_hifigan", ("model.generator.channels=128", "data.batch.size=8")),
    "points": Family("parts_shapenet", (
        "data.source.num_points=256",
        "model.encoder.levels=[{num_points: 64, scales: [{radius: 0.4, num_neighbors: 16, widths: [16, 16]}]}]",
    )),
    "next_frame": Family("video_moving_mnist", ("model.widths=[16,16]",)),
    "lm": Family("lm_shakespeare_char"),
    "ctc": Family("asr_librispeech_ctc"),
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a JSON line a family."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--steps", type=int, default=12, help="training steps of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-memory", action="store_true", help="leave peak memory out")
    parser.add_argument(OPTION, choices=("seqspec", "plain"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    keep_freed_memory()
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    for name in given.families:
        if given.memory_of:
            print(json.dumps(_memory(FAMILIES[name], given.memory_of, steps=given.steps)))
        else:
            found = _compared(name, steps=given.steps, rounds=given.rounds)
            arguments = (__file__, "--families", name, "--steps", str(min(given.steps, 6)))
            memory = {} if given.no_memory else memory_of_each(("seqspec", "plain"), arguments)
            print(json.dumps(found | memory), flush=True)


def _compared(name: str, *, steps: int, rounds: int) -> dict[str, Any]:
    family = FAMILIES[name]
    ours, plain = (assembled_of(family, steps=steps) for _ in range(2))
    held = list(stream_of(plain))
    contenders = {
        "seqspec": lambda: run_of(ours),
        "plain": lambda: loop_of(plain, held),
        "plain_reading": lambda: loop_of(plain, stream_of(plain)),
    }
    taken = in_turns(contenders, rounds)
    return {
        "family": name,
        "parameters": ours.program.num_parameters,
        "milliseconds": {which: round(1000 * median(times), 1) for which, times in taken.items()},
        "speed": speed(taken, "plain"),
        "speed_reading": speed(taken, "plain_reading"),
        "rest": round(1000 * rest_of(ours), 3),
    }


def in_turns(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each gives in each round, in alternating order; each is run once before that counts."""
    times: dict[str, list[float]] = {which: [] for which in contenders}
    for loop in contenders.values():
        loop()
    for number in range(rounds):
        for which in list(contenders)[:: 1 if number % 2 == 0 else -1]:
            times[which].append(contenders[which]())
    return times


def speed(times: Mapping[str, list[float]], which: str) -> float:
    """The time of one over ours: the median of the quotients of each round."""
    return round(median(other / ours for ours, other in zip(times["seqspec"], times[which], strict=True)), 3)


def assembled_of(family: Family, *, steps: int) -> Assembled:
    # A tiny profile writes a line every few steps, for whoever looks on; a run of hours every fifty.
    sets = (*family.sets, f"train.max_steps={steps}", f"train.checkpoint_every_steps={steps}",
            "train.log_every_steps=50", "evaluate.every_steps=null")  # fmt: skip
    overlays = [Overlay.profile("tiny"), *map(Overlay.set, sets)]
    compiled = compile_spec(SPECS / f"{family.spec}.yaml", overlays=overlays)
    return assemble(compiled, splits=("train",), initial=True)


LAUNCH = Launch(device="cpu", workers=0, quiet=True)


def stream_of(assembled: Assembled, step: int = 0) -> Iterable[Batch]:
    """A batch for each update."""
    updates = assembled.compiled.plan.experiment.train.max_steps * _turns(assembled)
    return training_stream(assembled, max_steps=updates, micro_batches=1, launch=LAUNCH, place=Place())(step)


def _turns(assembled: Assembled) -> int:
    return sum(phase.repeats for phase in assembled.program.phases)


class _Clocked:
    """Batches, and CPU seconds of an update: from asking for its batch to asking for the next."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self.batches, self.asked = batches, list[float]()

    @property
    def each(self) -> float:
        """Without the first update and the last, beside which a run does what it does once."""
        return (self.asked[-1] - self.asked[1]) / (len(self.asked) - 2)

    def __iter__(self) -> Iterator[Batch]:
        batches = iter(self.batches)
        while True:
            self.asked.append(time.process_time())
            batch = self.read(batches)
            if batch is None:
                self.asked.pop()
                return
            yield batch

    def read(self, batches: Iterator[Batch]) -> Batch | None:
        return next(batches, None)


def run_of(assembled: Assembled) -> float:
    """CPU seconds of an update in a run."""
    clocked = _Clocked(stream_of(assembled))
    with TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        folder.checkpoints.mkdir()
        train(
            Training(assembled.program, micro_batches=1), stream=lambda step: clocked,
            unit=unit_of(assembled), folder=folder, training_state=TrainingState(),
            evaluate_at=lambda step: EvaluationResult({}, None), launch=LAUNCH, place=Place(),
        )  # fmt: skip
    return clocked.each


def rest_of(assembled: Assembled) -> float:
    """CPU seconds of an update in a run beside reading, forward, backward and update, the gradient's norm among
    them.
    """
    parts: dict[str, list[float]] = {}
    with ExitStack() as stack:
        for owner, name in (
            (Objective, "__call__"), (torch.Tensor, "backward"), (training_module, "update"), (_Clocked, "read"),
        ):  # fmt: skip
            stack.enter_context(
                patch.object(owner, name, _timed(getattr(owner, name), parts.setdefault(name, [])))
            )
        stack.enter_context(patch.object(_Clocked, "each", property(lambda clocked: clocked.asked)))
        asked: Any = run_of(assembled)
    each = [after - before for before, after in pairwise(asked)]
    known = [sum(one) for one in zip(*parts.values(), strict=False)]
    return median([total - beside for total, beside in zip(each, known, strict=False)][1:-1])


def _timed(call: Callable[..., Any], times: list[float]) -> Callable[..., Any]:
    @wraps(call)
    def timed(*arguments: Any, **keywords: Any) -> Any:
        started = time.process_time()
        try:
            return call(*arguments, **keywords)
        finally:
            times.append(time.process_time() - started)

    return timed


def loop_of(assembled: Assembled, batches: Iterable[Batch]) -> float:
    """CPU seconds of an update in a loop written by hand."""
    program, losses = assembled.program, assembled.program.losses
    model, config = program.module.train(), assembled.compiled.plan.experiment.train
    named = dict(model.named_parameters())
    claims = program.optimizers
    optimizers = {
        name: claim.component.build([(one, named[one]) for one in claim.names])
        for name, claim in claims.items()
    }
    moved = {name: [named[one] for one in claim.names] for name, claim in claims.items()}
    weights, decay = list(model.parameters()), config.ema
    average = [weight.detach().clone() for weight in weights] if decay else []
    turns = [phase for phase in program.phases for _ in range(phase.repeats)]
    finishing: list[Any] = [part for part in model.modules() if hasattr(part, "finish_step")]
    clocked, step, place = _Clocked(batches), 1, 0
    for batch in clocked:
        phase = turns[place]
        mine, optimizer = moved[phase.optimizer], optimizers[phase.optimizer]
        claim = claims[phase.optimizer]
        if len(moved) > 1:
            for name, others in moved.items():
                for weight in others:
                    weight.requires_grad_(name == phase.optimizer)
        sums = losses.sums(program.model, batch, names=phase.losses)
        losses.weigh(sums, batch, step=step).objective.backward()
        for group in optimizer.param_groups:
            group["lr"] = claim.config.schedule.rate(step)
        clip = getattr(claim.config, "clip_norm", None) or config.clip_norm
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(mine, clip, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        place = (place + 1) % len(turns)
        if place == 0:
            step += 1
            for part in finishing:
                part.finish_step()
            if average:
                torch._foreach_lerp_(average, [weight.detach() for weight in weights], 1 - decay)
    for weight in (one for others in moved.values() for one in others):
        weight.requires_grad_(True)
    return clocked.each


def _memory(family: Family, which: str, *, steps: int) -> dict[str, float]:
    assembled = assembled_of(family, steps=steps)
    return memory_of(
        lambda: run_of(assembled) if which == "seqspec" else loop_of(assembled, stream_of(assembled))
    )


if __name__ == "__main__":
    main()
