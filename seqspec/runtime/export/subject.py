"""What is exported: a run with its weights, and real inputs to compare on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seqspec.components.graphs import Graph, graphs_of
from seqspec.components.predictions import Predicted
from seqspec.data.batching.batch import Batch, Field
from seqspec.runtime.assembly.assemble import assemble, began_with, in_whole, learned_of
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.checkpoints.selection import Chosen, choose
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import pin
from seqspec.runtime.export.learned_ranges import set_rounding
from seqspec.runtime.prediction.opening import Opened, open_predictor
from seqspec.runtime.run_folder.compiled_run import compile_run
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.runtime.training.streams import evaluation_stream
from seqspec.schema.diagnostic import DataError, Exit, RunError

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Compiled
    from seqspec.compile.resolve.overlay import Overlay

PROMPT = 4
"""Ids that a language model goes on from in the comparison of answers."""
EXAMPLES = 16
"""Real inputs that an export is compared on, where there are so many."""


@dataclass(frozen=True)
class Subject:
    """One run, opened, and batches of real inputs."""

    folder: RunFolder
    opened: Opened
    weights: Chosen
    batches: tuple[Batch, ...]
    """The last holds one example, the first as many as fit."""
    inputs: str
    """Where the inputs come from, for people."""
    split: str | None = None
    """The split that the inputs are of."""
    assembled: Assembled | None = None
    """The data of the split."""
    task: str = ""
    """Which of several tasks it is."""
    named: tuple[str, ...] = ()
    """The texts or files that were given in place of a split."""
    over: tuple[Overlay, ...] = ()
    """What was asked beyond the run's own settings."""

    @property
    def compiled(self) -> Compiled:
        """The plan of the run, or of the task."""
        return self.opened.run.compiled

    @property
    def whole(self) -> Compiled:
        """The plan of the run with all its tasks."""
        return compile_run(self.folder, overlays=self.over)

    @property
    def model(self) -> Any:
        """The model with its weights, in evaluation mode."""
        return self.opened.run.program.parts

    def graphs(self, batch: Batch | None = None) -> tuple[Graph, ...]:
        """The model's graphs with real arguments; raises ``RunError`` where the model has none."""
        with torch.inference_mode():
            found = graphs_of(self.model, self.batches[0] if batch is None else batch)
        if not found:
            kind = self.compiled.plan.experiment.model.component[1]
            raise RunError(
                f"models of type `{kind}` say of no function that another runtime could run",
                exit=Exit.USAGE,
                help="`--to safetensors` writes the weights of any model",
            )
        return found

    @torch.inference_mode()
    def answers(self, batch: Batch) -> list[list[Predicted]]:
        """What the run predicts, each example's hypotheses best first; a language model goes on from the
        first ids of each text.
        """
        if self.opened.predictor.prompts:
            text = batch.source if batch.source is not None else batch.target
            first = text[:, :PROMPT]
            lengths = torch.full((len(first),), first.shape[1], dtype=torch.int64)
            batch = batch.with_fields(source=None, target=Field(first, lengths))._replace(segments=None)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # Some answers are drawn; both runtimes are to draw the same.
            return [list(found) for found in self.opened.predictor.search(batch)]


def open_subject(
    path: Path,
    *,
    checkpoint: str = "best",
    split: str | None = None,
    inputs: Sequence[str] = (),
    over: Sequence[Overlay] = (),
    threads: int | None = None,
    task: str | None = None,
) -> Subject:
    """The run at ``path``, or one ``task`` of several, with inputs of ``split`` (left out, the first that the
    spec evaluates), or with ``inputs``, texts or names of files.

    Layers that rounded while training (``train.quantize``) do not: a target has numbers of its own.
    """
    launch = Launch(device="cpu", threads=threads, workers=0)
    folder = open_folder(path)
    compiled = compile_run(folder, overlays=over)
    weights = choose(folder.checkpoints, checkpoint)
    opened = open_predictor(
        path, checkpoint=checkpoint, launch=launch, compiled=compiled, task=task, reads=bool(inputs)
    )
    set_rounding(opened.run.program.trained, enabled=False)
    pin(threads=launch.threads, exact=False)
    if inputs:
        batch, told = _of_inputs(opened, inputs), f"{len(inputs):,} given inputs"
        return Subject(
            folder, opened, weights, _with_single(batch), told, task=task or "",
            named=tuple(inputs[:EXAMPLES]), over=tuple(over),
        )  # fmt: skip
    name = split or next(iter(opened.run.compiled.plan.experiment.evaluate.splits), "dev")
    assembled = _assembled(compiled, folder, name, task or "")
    stream = evaluation_stream(
        assembled.prepared, assembled.prepared.splits[name], micro_batches=1, launch=launch, place=Place(),
        limit=EXAMPLES,
    )  # fmt: skip
    batches = tuple(stream)
    if not batches:
        raise DataError(f"the split `{name}` is empty", help="name inputs with --inputs FILE…")
    first = max(batches, key=lambda batch: len(batch.index))
    others = [batch for batch in batches if batch is not first]
    told = f"{sum(len(batch.index) for batch in batches):,} examples of {name}"
    return Subject(
        folder,
        opened,
        weights,
        (*_with_single(first), *others),
        told,
        name,
        assembled,
        task or "",
        over=tuple(over),
    )


def with_split(compiled: Compiled, folder: RunFolder, split: str, task: str) -> Assembled:
    """A split of a task of the run, read with what the run has learned.  Raises ``DataError``."""
    learned = learned_of(folder, compiled.plan)
    began = began_with(folder)
    return assemble(compiled, splits=(split,), tasks=(task,), learned=learned, began=began).each[task]


def _assembled(compiled: Compiled, folder: RunFolder, split: str, task: str) -> Assembled:
    try:
        return with_split(compiled, folder, split, task)
    except DataError as error:
        raise DataError(
            f"an export is compared on real inputs, and the corpus cannot be read: {error}",
            help="name inputs with --inputs FILE…, or the corpus's place with "
            f"--set {in_whole(task, 'data.source.root')}=…",
        ) from None


def _of_inputs(opened: Opened, inputs: Sequence[str]) -> Batch:
    """A batch as ``predict`` would make it."""
    predictor = opened.predictor
    named = list(inputs[:EXAMPLES])
    if len(named) == 1:
        named *= 2  # The example that is traced needs a batch.
    values = [predictor.prepare(one) for one in named]
    more = [{role: places(one) for role, places in predictor.places.items()} for one in named]
    return predictor.batch(range(len(named)), [np.asarray(value) for value in values], more)


def _with_single(batch: Batch) -> tuple[Batch, Batch]:
    """The batch, and its shortest example by itself."""
    row = torch.zeros(1, dtype=torch.int64)
    lengths = batch.source_lengths if batch.source is not None else batch.target_lengths
    if lengths is None:
        return batch, batch.map(lambda x: x[row])
    row[0] = lengths.argmin()
    size = max(int(lengths[row[0]]), 1)
    single = batch.map(lambda x: x[row])
    name = "source" if batch.source is not None else "target"
    cut = single.fields[name]
    return batch, single.with_fields(**{name: cut._replace(values=cut.values[:, :size])})
