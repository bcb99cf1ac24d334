"""What a training step of models that make things costs, beside a plain loop over the same model.

    python benchmarks/generative_steps.py                                   every family
    python benchmarks/generative_steps.py --families gan hifigan --steps 16 --rounds 5

VAE, VQ-VAE, GAN, diffusion (U-Net and DiT), segmentation, Tacotron 2, FastPitch, HiFi-GAN, parts of point clouds and
next frames, each by its shipped spec at a size whose step takes tens of milliseconds.  ``seqspec`` is the module and the
stream of ``seqspec run`` through ``lightning.Trainer``: loading, augmentation, features, forward, backward, update,
journal.  ``plain`` is a loop of some twenty lines over the same model, losses and batches, which lie in memory before
the clock starts: it takes the phases of an adversarial step in turn, holds still the parameters of the others, sets
the rate, clips, updates in one fused kernel, and keeps the moving average of weights.

One process and one thread, contenders in alternating order, CPU seconds (``process_time``) of an update
from the end of the first to the end of the last, medians of the rounds; ``speed`` is the plain loop's time over ours, 1 where they cost the same.  Peak memory is of a process for
each contender: the most that it held, and above what it held before the first step; neither keeps batches there.
Prints a JSON line a family.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from lightning.pytorch import Trainer

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import keep_freed_memory
from seqspec.runtime.training.lightning_import import Callback
from seqspec.runtime.training.streams import training_stream
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
    "points": Family("parts_shapenet", ("data.source.num_points=256", "model.encoder.levels.0.num_points=64")),
    "next_frame": Family("video_moving_mnist", ("model.widths=[16,16]",)),
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a JSON line a family."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--steps", type=int, default=12, help="training steps of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory-of", choices=("seqspec", "plain"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    keep_freed_memory()
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    for name in given.families:
        if given.memory_of:
            print(json.dumps(_memory(FAMILIES[name], given.memory_of, steps=given.steps)))
        else:
            print(json.dumps(_compared(name, steps=given.steps, rounds=given.rounds)), flush=True)


def _compared(name: str, *, steps: int, rounds: int) -> dict[str, Any]:
    family = FAMILIES[name]
    ours, plain = (_assembled(family, steps=steps) for _ in range(2))
    held = list(_stream(plain, steps))
    contenders = {"seqspec": lambda: _ours(ours, steps), "plain": lambda: _plain(plain, held)}
    times: dict[str, list[float]] = {which: [] for which in contenders}
    for train in contenders.values():
        train()  # warm
    for number in range(rounds):
        for which in list(contenders)[:: 1 if number % 2 == 0 else -1]:
            times[which].append(contenders[which]())
    taken = {which: median(found) for which, found in times.items()}
    peaks = {which: _peak(name, which, steps=min(steps, 6)) for which in contenders}
    return {
        "family": name,
        "parameters": ours.program.num_parameters,
        "milliseconds": {which: round(1000 * value, 1) for which, value in taken.items()},
        "speed": round(taken["plain"] / taken["seqspec"], 3),
        "peak_mib": {which: found["peak_mib"] for which, found in peaks.items()},
        "above_start_mib": {which: found["above_start_mib"] for which, found in peaks.items()},
    }


def _assembled(family: Family, *, steps: int) -> Assembled:
    sets = (*family.sets, f"train.max_steps={steps}", f"train.checkpoint_every_steps={steps}",
            "evaluate.every_steps=null")  # fmt: skip
    overlays = [Overlay.profile("tiny"), *map(Overlay.set, sets)]
    compiled = compile_spec(SPECS / f"{family.spec}.yaml", overlays=overlays)
    return assemble(compiled, splits=("train",), initial=True)


def _stream(assembled: Assembled, steps: int) -> Iterable[Batch]:
    """A batch for each update."""
    launch = Launch(device="cpu", workers=0)
    return training_stream(assembled, max_steps=steps, micro_batches=1, launch=launch, place=Place())(0)


def _ours(assembled: Assembled, steps: int) -> float:
    """CPU seconds of an update through the module that runs use."""
    module = Training(assembled.program, micro_batches=1)
    settings: dict[str, Any] = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    clock = _Clock()
    trainer = Trainer(accelerator="cpu", max_epochs=1, callbacks=[clock], limit_val_batches=0, num_sanity_val_steps=0,
                      use_distributed_sampler=False, **settings)  # fmt: skip
    trainer.fit(module, train_dataloaders=_stream(assembled, steps))
    return clock.each


class _Clock(Callback):
    """CPU seconds of an update, from the end of the first to the end of the last: what a run does once before
    is outside.
    """

    def __init__(self) -> None:
        self.ends: list[float] = []

    @property
    def each(self) -> float:
        return (self.ends[-1] - self.ends[0]) / (len(self.ends) - 1)

    def on_train_batch_end(self, *_: object, **__: object) -> None:
        self.ends.append(time.process_time())


def _plain(assembled: Assembled, batches: Iterable[Batch]) -> float:
    """CPU seconds of an update, written by hand."""
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
    clock, step, place = _Clock(), 1, 0
    for batch in batches:
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
        clock.on_train_batch_end()
    for weight in (one for others in moved.values() for one in others):
        weight.requires_grad_(True)
    return clock.each


def _memory(family: Family, which: str, *, steps: int) -> dict[str, float]:
    """Of this process, in MiB."""
    assembled = _assembled(family, steps=steps)
    before = _resident()
    if which == "seqspec":
        _ours(assembled, steps)
    else:
        _plain(assembled, _stream(assembled, steps))
    peak = _peak_resident()
    return {"peak_mib": round(peak, 1), "above_start_mib": round(peak - before, 1)}


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _peak_resident() -> float:
    """Of this program alone: ``ru_maxrss`` begins with what the process that started it held."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _peak(name: str, which: str, *, steps: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--families", name, "--steps", str(steps), "--memory-of", which]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
