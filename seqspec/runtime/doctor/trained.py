"""M21 an attention that follows the speech, M22 samples that differ, M23 a latent vector that says something:
of the weights that a run has learned.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from seqspec.compile.resolve.resolve import Overlay
from seqspec.components.predictions import ImagePrediction
from seqspec.data.batching.batch import Batch
from seqspec.data.inspect.finding import Finding
from seqspec.data.inspect.inspection import Inspection
from seqspec.data.progress import Progress, silent
from seqspec.data.seeds import seed_of
from seqspec.runtime.assembly.assemble import assemble, began_with, learned_of
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.checkpoints.selection import choose, use_weights
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.evaluation.alignment import unaligned
from seqspec.runtime.evaluation.collapse import alike_samples, silent_latent
from seqspec.runtime.evaluation.evaluator import to_device
from seqspec.runtime.run_folder.compiled_run import compile_run
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.streams import evaluation_stream
from seqspec.schema.types import Waveform

EXAMPLES = 50
"""Of the split that was evaluated last, the most that are looked at."""


def examine_run(
    folder: RunFolder, *, over: Sequence[Overlay] = (), progress: Progress = silent
) -> Inspection:
    """The best weights of a run on a few examples of each task.  Raises ``RunError`` where it has none."""
    begun = time.monotonic()
    best = choose(folder.checkpoints, "best").checkpoint
    compiled = compile_run(folder, overlays=over)
    splits = {task: _split(one.experiment) for task, one in compiled.plan.each.items()}
    whole = assemble(
        compiled, splits=sorted(set(splits.values())), learned=learned_of(folder, compiled.plan),
        began=began_with(folder), progress=progress,
    )  # fmt: skip
    use_weights(whole.program.module, best)
    found = [
        finding
        for task, one in whole.each.items()
        for finding in _of_task(one, splits[task], name=f"{task}: " if task else "")
    ]
    return Inspection(compiled.plan.experiment.name, tuple(found), time.monotonic() - begun)


def _split(experiment: Any) -> str:
    return str(("train", *experiment.evaluate.splits)[-1])


def _of_task(assembled: Assembled, split: str, *, name: str) -> Iterator[Finding]:
    launch, model, prepared = Launch(), assembled.program.module, assembled.prepared
    held = prepared.splits[split]
    stream = evaluation_stream(
        prepared, held, micro_batches=1, launch=launch, place=Place(), limit=min(len(held), EXAMPLES)
    )
    device = torch.device(launch.accelerator)
    batch = to_device(next(iter(stream)), device)
    model.to(device).eval()
    yield _alignment(assembled, batch, device=device, name=name)
    if hasattr(model, "show"):
        yield from _collapse(assembled, batch, name=name)


def _alignment(assembled: Assembled, batch: Batch, *, device: torch.device, name: str) -> Finding:
    roles, model = assembled.prepared.parts.roles, assembled.program.module
    if not hasattr(model, "attention") or not any(isinstance(kind, Waveform) for kind in roles.values()):
        return Finding("M21", "info", f"{name}the model has no attention that follows a recording")
    lost = unaligned(model, batch, roles, device=device)
    if lost is None:
        return Finding("M21", "ok", f"{name}the attention follows the speech, or the examples are too short")
    told, _, advice = lost.partition("; ")
    return Finding("M21", "error", f"{name}{told}", advice)


def _collapse(assembled: Assembled, batch: Batch, *, name: str) -> Iterator[Finding]:
    model: Any = assembled.program.module
    torch.manual_seed(seed_of(assembled.compiled.plan.experiment.seed, "shown images"))
    with torch.no_grad():
        shown = model.show(batch, search_of(assembled.program)).get("samples", ())
        samples = [one for one in shown if isinstance(one, ImagePrediction)]
        checks = (
            ("M22", bool(samples), alike_samples(model, batch, samples), "samples differ as the data do"),
            ("M23", hasattr(model, "latents"), silent_latent(model, batch), "the latent vector varies"),
        )
    for check, asked, wrong, right in checks:
        told, _, advice = (wrong or right).partition("; ")
        if asked:
            yield Finding(check, "error" if wrong else "ok", f"{name}{told}", advice)
