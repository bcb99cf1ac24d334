"""Plan, prepared data and program of one experiment put together; from a spec, or from what a run directory
holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.build.program import build
from seqspec.compile.diagnostics.report import located
from seqspec.compile.pipeline import recompile
from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.compile.resolve.overlay import Overlay
from seqspec.data.progress import Progress, bar
from seqspec.data.stages.examples import Split
from seqspec.data.stages.learned import Learned
from seqspec.data.stages.normalize import Statistics
from seqspec.data.stages.parts import DataParts, TextSteps
from seqspec.data.stages.prepare import Prepared, prepare
from seqspec.data.store.cache import default_cache
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.adapter_folder import begin_adaptation
from seqspec.runtime.assembly.assembled import Assembled, Reopened
from seqspec.runtime.assembly.initial_weights import expect_runs, initialize
from seqspec.runtime.assembly.pretrained_weights import (
    expect_folders,
    load_pretrained,
    reload_references,
)
from seqspec.runtime.assembly.shallow_fusion import expect, fuse
from seqspec.runtime.checkpoints.model_tensors import has_references
from seqspec.runtime.run_folder.compiled_run import compile_run
from seqspec.runtime.run_folder.documents import read_json, read_learned, require_labels
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.types import Image, Type, Waveform

VOCABULARIES = "vocabularies"


def assemble(
    compiled: Compiled,
    *,
    splits: Sequence[str],
    progress: Progress = bar,
    initial: bool = False,
    learned: Learned | None = None,
) -> Assembled:
    """Prepare the data, fill in what they tell, build; with ``initial``, take the first weights from where
    the plan says.  Raises ``SpecError`` and ``DataError``.

    ``learned`` is what a run has learned already: nothing of it is learned again.
    """
    expect(compiled.plan)
    if initial:
        expect_runs(compiled.plan)
        expect_folders(compiled.plan)
    parts = build_data(compiled.plan)
    present = [name for name in splits if name in parts.adapter.splits() or _cut(parts, name)]
    missing = [name for name in splits if name not in present]
    if missing:
        raise DataError(
            f"the corpus has no part that is called {missing[0]}",
            help=f"it has {', '.join(parts.adapter.splits())}; "
            "change `evaluate.splits`, or `data.source.splits`",
        )
    try:
        with located(compiled.tree, profiles=compiled.profiles):
            prepared = prepare(
                parts, cache=default_cache(), splits=present, progress=progress, learned=learned
            )
    except DataError as error:
        raise of_corpus(error, compiled.plan) from None
    known = dict(prepared.facts)
    if compiled.plan.facts != tuple(sorted(known.items())):
        compiled = recompile(compiled, facts=known)
    program = build(compiled.plan, tree=compiled.tree)
    with located(compiled.tree, profiles=compiled.profiles):
        afresh = initial or has_references(program.model)
        folders = load_pretrained(program, prepared.parts.text) if afresh else {}
    taken = initialize(program, prepared.parts.text, open=_reopened) if initial else ()
    if initial:
        with located(compiled.tree, profiles=compiled.profiles):
            begin_adaptation(program)
    program = fuse(program, prepared.parts.text, open=_reopened)
    return Assembled(compiled, prepared, program, taken, folders)


def of_corpus(error: DataError, plan: Plan) -> DataError:
    """The error with the corpus named, where whoever raised it did not know."""
    if error.corpus or error.at:
        return error
    corpus = plan.experiment.data.source.component[1]
    return DataError(
        error.message,
        corpus=corpus,
        file=error.file,
        row=error.row,
        byte=error.byte,
        help=error.help,
        code=error.code,
    )


def save_learned(folder: RunFolder, prepared: Prepared) -> None:
    """Keep what the data have told and taught, so that the run can be used without its corpus."""
    place = folder.path / VOCABULARIES
    place.mkdir(exist_ok=True)
    for name, artifact in prepared.artifacts.items():
        write_durably(place / name, artifact)
    train = prepared.splits["train"]
    known = train.statistics if isinstance(train, Split) else {}
    statistics = {kind: {"mean": one.mean.tolist(), "std": one.std.tolist()} for kind, one in known.items()}
    folder.note("facts.json", {
        "facts": dict(prepared.facts),
        "labels": {role: list(names) for role, names in prepared.labels.items()},
        "statistics": statistics,
    })  # fmt: skip


def reopen(
    folder: RunFolder, *, overlays: Sequence[Overlay] = (), compiled: Compiled | None = None
) -> Reopened:
    """The program of a run and its data parts, vocabularies loaded, without touching the corpus.

    ``compiled``: the run's plan with the overlays, where it is known already.
    """
    run = _reopened(folder, overlays, compiled)
    return replace(run, program=fuse(run.program, run.parts.text, open=_reopened))


def _reopened(
    folder: RunFolder, overlays: Sequence[Overlay] = (), compiled: Compiled | None = None
) -> Reopened:
    """The same without the language model that its search may listen to."""
    compiled = compiled or compile_run(folder, overlays=overlays)
    parts = build_data(compiled.plan)
    learned = learned_of(folder, parts.roles)
    for role, steps in parts.text.items():
        name = f"data.text.{parts.pipeline(role)}.tokenizer"
        if steps.trainable:
            _load(steps, folder.path / VOCABULARIES / name, learned.artifact(name))
    require_labels(folder.path, learned.labels, compiled.plan.facts, parts.roles)
    program = build(compiled.plan, tree=compiled.tree)
    if has_references(program.model):
        reload_references(program, parts.text, lock=read_json(folder.lock) or {})
    return Reopened(compiled, parts, program, learned.labels, learned.statistics)


def learned_of(folder: RunFolder, roles: Mapping[str, Type]) -> Learned:
    """What a run has learned, as ``save_learned`` kept it."""
    known = read_learned(folder.path)
    if known is None:
        raise RunError(f"{folder.path} ended before its data were prepared", exit=Exit.USAGE)
    files = (folder.path / VOCABULARIES).glob("data.text.*")
    return Learned(
        artifacts={file.name: file.read_bytes() for file in sorted(files)},
        labels=known.labels,
        statistics={
            role: Statistics(np.asarray(one["mean"], np.float32), np.asarray(one["std"], np.float32))
            for kind, one in known.statistics.items()
            for role in _named(kind, roles)
        },
    )


def _load(steps: TextSteps, artifact: Path, data: bytes) -> None:
    try:
        steps.load(data)
    except Exception as error:  # Whatever a tokenizer's library makes of bytes that are no vocabulary.
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise RunError(
            f"{artifact} is not a vocabulary that a run has written: {why}",
            exit=Exit.STORAGE,
            help="put the file back from a copy of the run directory",
        ) from None


def _named(name: str, roles: Mapping[str, Type]) -> tuple[str, ...]:
    """The fields whose statistics stand under ``name``; older runs name the kind of the fields."""
    kinds = {"audio": Waveform, "image": Image}
    if name in roles or name not in kinds:
        return (name,)
    return tuple(role for role, type_ in roles.items() if isinstance(type_, kinds[name]))


def _cut(parts: DataParts, name: str) -> bool:
    """Whether the spec cuts this split out of train."""
    split = parts.config.split
    return split is not None and bool(getattr(split, name, 0.0))
