"""A predictor from a run directory: its program, its best weights and the vocabularies that it has learned.

Nothing of the corpus is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seqspec.components.predictions import LabelPrediction, Predicted, TextPrediction
from seqspec.data.batching.batch import Batch
from seqspec.data.text.word_places import WordPlaces
from seqspec.runtime.assembly.assemble import reopen
from seqspec.runtime.assembly.assembled import Reopened
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.assembly.shallow_fusion import tell
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.devices.machine import pin
from seqspec.runtime.prediction.chat_inputs import chat_ids, is_asked
from seqspec.runtime.prediction.engines import engine_of
from seqspec.runtime.prediction.field_inputs import field_values, input_files_of, one_input
from seqspec.runtime.prediction.predictor import Predictor
from seqspec.runtime.prediction.segments import SegmentTiming, timing_of
from seqspec.runtime.prediction.timing import Timing, with_times
from seqspec.runtime.prediction.unknown_symbols import unspoken
from seqspec.runtime.prediction.values import Prepare, audio_frames, image_pixels, text_ids
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.types import Classes, Frames, Image, Text, Type, Waveform, WordStarts

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Compiled
    from seqspec.compile.resolve.overlay import Overlay
    from seqspec.data.stages.parts import DataParts

TEXT_BLOCK, FILE_BLOCK = 4096, 256
FIELD_UNITS = 32_768
"""Points, or frames of clips, of a batch."""


@dataclass(frozen=True)
class Opened:
    """A predictor, and the data parts that say how inputs are read."""

    predictor: Predictor
    parts: DataParts
    run: Reopened
    """The program with its weights, and what the run has learned."""
    timing: Timing | SegmentTiming | None = None
    """What tells when words are spoken, where it was asked for."""


def open_predictor(
    path: Path,
    *,
    checkpoint: str = "best",
    over: Sequence[Overlay] = (),
    launch: Launch | None = None,
    engine: str = "torch",
    nbest: int = 1,
    all_classes: bool = False,
    compiled: Compiled | None = None,
    task: str | None = None,
    timestamps: bool = False,
    kept: int | None = None,
    reads: bool = True,
) -> Opened:
    """The predictor of a run, or of one ``task`` of several; ``nbest`` hypotheses are searched for, and where
    the model names classes ``all_classes`` ranks every one; with ``timestamps`` words have times.
    ``compiled`` is the run's plan where it is known already.  The ``kept`` best hypotheses of an input stay;
    left out, all that the search found.  Where nothing but batches of a split is given, ``reads`` is false,
    and a run is opened whatever its inputs are.
    """
    launch = launch or Launch()
    folder = open_folder(path)
    run = reopen(folder, overlays=over, compiled=compiled, task=task)
    timing = timing_of(run) if timestamps else None
    tell(run.program, folder)
    pin(threads=launch.threads, exact=False)
    model = run.program.model
    use_weights(run.program.trained, chosen(folder.checkpoints, checkpoint))
    device = torch.device(launch.accelerator)
    run.program.module.to(device).eval()
    searcher: Any = search_of(run.program, hypotheses=nbest)
    answering = engine_of(
        engine,
        model,
        config=run.program.plan.experiment.model,
        search=searcher,
        threads=torch.get_num_threads(),
        digest=run.program.plan.digests["model"] + run.program.plan.digests["train"],
    )
    labels = run.kept.labels.get("target", ())
    if searcher is None and labels:
        searcher = len(labels) if all_classes else nbest
    search = _search(run, answering, searcher, timing, kept)
    return Opened(_predictor(run, search, device, reads=reads), run.parts, run, timing)


def _search(
    run: Reopened, model: Any, searcher: Any, timing: Timing | SegmentTiming | None, kept: int | None
) -> Callable[[Batch], list[list[Predicted]]]:
    """Batches to typed hypotheses: ids become text or labels, anything else is typed by the model."""
    steps = run.parts.text.get("target")
    labels = run.kept.labels.get("target", ())

    def typed(found: Any, before: Sequence[int]) -> Predicted:
        ids = getattr(found, "ids", None)
        if ids is None:
            value: Predicted = found
            return value
        ids = ids.tolist() if isinstance(ids, torch.Tensor) else list(ids)
        if steps is not None:
            whole = _as_file(steps, [*before, *ids])
            return TextPrediction(steps.decode(ids), float(found.score), as_file=whole)
        return LabelPrediction(" ".join(labels[one] for one in ids), float(found.score))

    def search(batch: Batch) -> list[list[Predicted]]:
        decoded = [found[:kept] for found in model.decode(batch, searcher)]
        if isinstance(timing, SegmentTiming):
            return [
                timing.timed(found, seconds)
                for found, seconds in zip(decoded, timing.heard(batch), strict=True)
            ]
        predicted = [
            [typed(one, before) for one in found]
            for found, before in zip(decoded, _prompts(batch), strict=True)
        ]
        if timing is None:
            return predicted
        return with_times(timing, batch, predicted, [[list(one.ids) for one in found] for found in decoded])

    return search


def _prompts(batch: Batch) -> list[list[int]]:
    """The ids that each hypothesis goes on from; none where there is a source."""
    if batch.source is not None or batch.target_lengths is None:
        return [[] for _ in batch.index]
    rows = zip(batch.target.tolist(), batch.target_lengths.tolist(), strict=True)
    return [ids[:length] for ids, length in rows]


def _as_file(steps: Any, ids: Sequence[int]) -> Callable[[], tuple[str, bytes]] | None:
    """The file that a text stands for, where its tokenizer makes one."""
    make = getattr(steps.tokenizer, "as_file", None)
    return None if make is None else lambda: make(steps.decode(ids))


def _predictor(
    run: Reopened, search: Callable[[Batch], list[list[Predicted]]], device: Any, *, reads: bool
) -> Predictor:
    parts = run.parts
    source = parts.roles.get("source")
    prepare: Prepare
    if isinstance(source, Waveform):
        prepare = audio_frames(parts, run.kept.statistics.get("source"))
        return Predictor(search, prepare, source, 40_000, device=device, block=FILE_BLOCK)
    if isinstance(source, Image):
        prepare = image_pixels(parts, source, run.kept.statistics.get("source"))
        units = 256 * source.channels
        classes = _made_classes(run)
        return Predictor(search, prepare, source, units, device=device, classes=classes, block=FILE_BLOCK)
    files = input_files_of(parts.adapter)
    if files is not None and source is not None:
        return Predictor(
            search, field_values, source, FIELD_UNITS, device=device, block=FILE_BLOCK,
            classes=_classes(run), types=_measured(parts.roles), read=partial(one_input, files=files),
        )  # fmt: skip
    prompts = source is None
    steps = parts.text.get("target" if prompts else "source")
    if steps is None or not (prompts or isinstance(source, Text)):
        if not reads and source is not None:
            return Predictor(search, np.asarray, source, 1, device=device)
        corpus = getattr(parts.adapter, "corpus", "of its corpus")
        raise RunError(
            f"this run reads {source}, and adapter `{corpus}` does not say what a file of it holds",
            exit=Exit.USAGE,
            help="`seqspec evaluate RUN --split NAME` predicts those of the corpus",
        )
    inputs = parts.roles["target"] if prompts else source
    assert inputs is not None
    places = {
        role: _places_of(WordPlaces(parts.text[type_.of]))
        for role, type_ in parts.roles.items()
        if isinstance(type_, WordStarts)
    }
    prepare = chat_ids(steps, parts.adapter) if is_asked(parts.adapter) else text_ids(steps)
    spoken = isinstance(parts.roles.get("target"), Waveform | Frames)
    return Predictor(
        search, prepare, inputs, 8192, prompts, device=device, classes=_classes(run), places=places,
        unspoken=unspoken(steps) if spoken else None, block=TEXT_BLOCK,
    )  # fmt: skip


def _classes(run: Reopened) -> dict[str, Sequence[str]]:
    """Names of the classes of further fields."""
    return {role: names for role, names in run.kept.labels.items() if role not in ("source", "target")}


def _made_classes(run: Reopened) -> dict[str, Sequence[str]]:
    """Names of the classes of images, where the model makes one of the class that it is told."""
    model: Any = run.program.model
    made = hasattr(model, "references") and getattr(model, "classes", None) is not None
    return {"target": run.kept.labels["target"]} if made else {}


def _measured(roles: Mapping[str, Type]) -> dict[str, Type]:
    """Fields that a file may hold and no person names."""
    return {
        role: type_ for role, type_ in roles.items() if role != "source" and not isinstance(type_, Classes)
    }


def _places_of(steps: WordPlaces) -> Callable[[str], list[int]]:
    return lambda text: steps.encode_batch([text])[0]


def interactive(opened: Opened) -> Opened:
    """The same for inputs that are typed: each is predicted before the next is read."""
    return replace(opened, predictor=replace(opened.predictor, block=1))
