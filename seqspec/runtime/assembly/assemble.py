"""Plan, prepared data and program of one experiment put together; from a spec, or from what a run directory
holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.build.program import Program, build
from seqspec.compile.diagnostics.report import located
from seqspec.compile.language.suggestions import which
from seqspec.compile.pipeline import recompile
from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.compile.resolve.overlay import Overlay
from seqspec.data.progress import Progress, bar
from seqspec.data.stages.examples import Split
from seqspec.data.stages.learned import Learned
from seqspec.data.stages.normalize import Statistics
from seqspec.data.stages.parts import TextSteps
from seqspec.data.stages.prepare import Prepared, prepare
from seqspec.data.store.cache import default_cache
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.adapter_folder import begin_adaptation
from seqspec.runtime.assembly.assembled import Assembled, Kept, Record, Reopened
from seqspec.runtime.assembly.data_facts import give_facts
from seqspec.runtime.assembly.feature_runs import expect_feature_runs, give_features
from seqspec.runtime.assembly.initial_weights import expect_runs, initialize
from seqspec.runtime.assembly.ngram_fusion import expect_ngram, listen
from seqspec.runtime.assembly.pretrained_weights import (
    expect_folders,
    load_pretrained,
    reload_references,
)
from seqspec.runtime.assembly.recognizer_runs import expect_recognizers, give_recognizers
from seqspec.runtime.assembly.record_digests import require_records
from seqspec.runtime.assembly.shallow_fusion import expect, fuse
from seqspec.runtime.assembly.teachers import expect_teachers, teach
from seqspec.runtime.checkpoints.model_tensors import has_references
from seqspec.runtime.run_folder.compiled_run import compile_run, task_of
from seqspec.runtime.run_folder.documents import (
    LearnedFile,
    read_bytes,
    read_json,
    read_learned,
    require_labels,
)
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.types import Image, Type, Waveform

VOCABULARIES = "vocabularies"
T = TypeVar("T")


def assemble(
    compiled: Compiled,
    *,
    splits: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    progress: Progress = bar,
    initial: bool = False,
    taught: bool = False,
    learned: Mapping[str, Learned] | None = None,
    began: Mapping[str, Any] | None = None,
) -> Assembled:
    """Prepare the data, fill in what they tell, build; with ``initial``, take the first weights from where
    the plan says; with ``taught``, put its teachers beside it.  Raises ``SpecError`` and ``DataError``.

    ``splits`` are those of training and its evaluations where none are named, ``tasks`` all.  ``learned`` is
    what a run has learned already, by task: nothing of it is learned again.  ``began`` are the records of the
    folders that a run's parts began with: what its checkpoints leave out must come from the same.
    """
    for one in compiled.plan.each.values():
        expect(one)
        expect_ngram(one)
        expect_feature_runs(one)
        expect_recognizers(one)
    if initial:
        expect_runs(compiled.plan)
        for one in compiled.plan.each.values():
            expect_folders(one)
    for one in compiled.plan.each.values() if taught else ():
        expect_teachers(one)
    prepared = {
        name: _prepared(one, splits, progress, (learned or {}).get(name))
        for name, one in compiled.each.items()
        if tasks is None or name in tasks
    }
    facts = {
        in_whole(name, fact): value for name, one in prepared.items() for fact, value in one.facts.items()
    }
    known = dict(compiled.plan.facts) | facts if tasks is not None else facts
    if compiled.plan.facts != tuple(sorted(known.items())):
        compiled = recompile(compiled, facts=known)
    program = build(compiled.plan, tree=compiled.tree)
    texts = {name: one.parts.text for name, one in prepared.items()}
    for name, data in prepared.items():
        give_facts(program.each[name], data)
    with located(compiled.tree, profiles=compiled.profiles):
        names = {name: one.labels for name, one in prepared.items()}
        folders = _from_folders(program, texts, names, initial=initial, began=began)
    taken = initialize(program, texts, open=_reopened) if initial else ()
    with located(compiled.tree, profiles=compiled.profiles):
        for name in prepared if initial else ():
            begin_adaptation(program.each[name])
    teachers = {
        in_whole(name, teacher): record
        for name in (prepared if taught else ())
        for teacher, record in teach(program.each[name], texts[name], open=_reopened).items()
    }
    features = {
        place: record
        for name in prepared
        for give in (give_features, give_recognizers)
        for place, record in give(program.each[name], open=_reopened).items()
    }
    each = {
        name: Assembled(
            one,
            prepared[name],
            _listening(program.each[name], texts[name]),
            taken,
            teachers,
            folders,
            features,
        )
        for name, one in compiled.each.items()
        if name in prepared
    }
    return (
        each[""]
        if not compiled.plan.tasks
        else Assembled(compiled, None, program, taken, teachers, folders, features, each)
    )


def _from_folders(
    program: Program,
    texts: Mapping[str, Mapping[str, TextSteps]],
    names: Mapping[str, Mapping[str, tuple[str, ...]]],
    *,
    initial: bool,
    began: Mapping[str, Any] | None,
) -> dict[str, Record]:
    """Weights that come from folders: at the beginning all, later those that checkpoints leave out."""
    found: dict[str, Record] = {}
    for name, text in texts.items():
        one, start = program.each[name], in_whole(name, "")
        if not initial and not has_references(one.module):
            continue
        if began is None:
            records = load_pretrained(one, text, names[name])
        else:
            records = reload_references(one, text, began=_beginning(began, start), labels=names[name])
        found |= {f"{start}{place}": record for place, record in records.items()}
    return found


def _listening(program: Program, text: Mapping[str, TextSteps]) -> Program:
    """``program``, whose search listens to the language models that the spec names."""
    return listen(fuse(program, text, open=_reopened), text)


def in_whole(task: str, name: str) -> str:
    """What something of a task is called among all tasks: ``tasks.asr.data.text.target.tokenizer``."""
    return f"tasks.{task}.{name}" if task else name


def _prepared(
    compiled: Compiled, splits: Sequence[str] | None, progress: Progress, learned: Learned | None
) -> Prepared:
    parts = build_data(compiled.plan)
    wanted = ("train", *compiled.plan.experiment.evaluate.splits) if splits is None else splits
    present = [name for name in wanted if name in parts.splits]
    missing = [name for name in wanted if name not in present]
    if missing:
        raise DataError(
            f"the corpus has no split that is called `{missing[0]}`",
            help=which(missing[0], parts.splits, there="it has")
            + ("; change `evaluate.splits`, or `data.source.splits`" if splits is None else ""),
        )
    try:
        with located(compiled.tree, profiles=compiled.profiles):
            return prepare(parts, cache=default_cache(), splits=present, progress=progress, learned=learned)
    except DataError as error:
        raise of_corpus(error, compiled.plan) from None


def of_corpus(error: DataError, plan: Plan) -> DataError:
    """The error with the corpus named, where whoever raised it did not know."""
    if error.corpus or error.at:
        return error
    corpus = plan.experiment.data.source.component[1]
    corpus = f"{corpus} of the task `{plan.task}`" if plan.task else corpus
    return DataError(
        error.message,
        corpus=corpus,
        file=error.file,
        row=error.row,
        byte=error.byte,
        help=error.help,
        code=error.code,
    )


def save_learned(folder: RunFolder, assembled: Assembled) -> None:
    """Keep what the data have told and taught, so that the run can be used without its corpus."""
    place = folder.path / VOCABULARIES
    place.mkdir(exist_ok=True)
    found: dict[str, dict[str, object]] = {"facts": {}, "labels": {}, "label_counts": {}, "statistics": {}}
    for task, one in assembled.each.items():
        prepared = one.prepared
        for name, artifact in prepared.artifacts.items():
            write_durably(place / in_whole(task, name), artifact)
        train = prepared.splits["train"]
        known = train.statistics if isinstance(train, Split) else {}
        moments = {kind: {"mean": s.mean.tolist(), "std": s.std.tolist()} for kind, s in known.items()}
        labels = {role: list(names) for role, names in prepared.labels.items()}
        counts = {role: list(numbers) for role, numbers in prepared.label_counts.items()}
        kinds = {"facts": prepared.facts, "labels": labels, "label_counts": counts, "statistics": moments}
        for kind, values in kinds.items():
            found[kind] |= {in_whole(task, name): value for name, value in values.items()}
    folder.note("facts.json", found)


def reopen(
    folder: RunFolder,
    *,
    overlays: Sequence[Overlay] = (),
    compiled: Compiled | None = None,
    task: str | None = None,
) -> Reopened:
    """The program of a run and its data parts, vocabularies loaded, without touching the corpus.

    ``compiled``: the run's plan with the overlays, where it is known already.  ``task`` is the one that is
    wanted of several.
    """
    run = _of_task(_reopened(folder, overlays, compiled), task, folder)
    return replace(run, program=_listening(run.program, run.parts.text))


def _of_task(run: Reopened, task: str | None, folder: RunFolder) -> Reopened:
    return run.each[task_of(run.compiled.plan, task, run=folder)]


def _reopened(
    folder: RunFolder, overlays: Sequence[Overlay] = (), compiled: Compiled | None = None
) -> Reopened:
    """The same of all tasks, without the language model that a search may listen to."""
    compiled = compiled or compile_run(folder, overlays=overlays)
    learned = learned_of(folder, compiled.plan)
    kept = {name: _kept(folder, one.plan, learned[name], name) for name, one in compiled.each.items()}
    program = build(compiled.plan, tree=compiled.tree)
    for name, one in kept.items():
        give_facts(program.each[name], one)
        _reload(folder, program.each[name], one, name)
    each = {name: Reopened(one, program.each[name], kept[name]) for name, one in compiled.each.items()}
    return each[""] if not compiled.plan.tasks else Reopened(compiled, program, None, each)


def _reload(folder: RunFolder, program: Program, kept: Kept, task: str) -> None:
    """Weights that checkpoints leave out, from their folders."""
    if has_references(program.module):
        reload_references(
            program,
            kept.parts.text,
            began=_beginning(began_with(folder), in_whole(task, "")),
            labels=kept.labels,
        )


def began_with(folder: RunFolder) -> Mapping[str, Any]:
    """What the lock of a run tells of the folders that its parts began with.  Raises ``RunError`` where that
    is no such record.
    """
    held = read_json(folder.lock)
    known = held.get("pretrained", {}) if isinstance(held, dict) else {}
    if not isinstance(known, dict):
        raise RunError(
            f"{folder.lock} does not tell in `pretrained` which folders this run began with",
            exit=Exit.DRIFT,
            help="put the file back from a copy of the run directory",
        )
    return known


def _kept(folder: RunFolder, plan: Plan, learned: Learned, task: str) -> Kept:
    """The data parts of a task with what they have learned."""
    parts = build_data(plan)
    require_records(folder, parts, task=task)
    for role, steps in parts.text.items():
        name = f"data.text.{parts.pipeline(role)}.tokenizer"
        if steps.trainable:
            _load(steps, folder.path / VOCABULARIES / in_whole(task, name), learned.artifact(name))
    require_labels(folder.path, learned.labels, plan.facts, parts.roles)
    return Kept(parts, learned.labels, learned.label_counts, learned.statistics)


def learned_of(folder: RunFolder, plan: Plan) -> dict[str, Learned]:
    """What a run has learned, as ``save_learned`` kept it, by task."""
    known = read_learned(folder.path)
    if known is None:
        raise RunError(f"{folder.path} ended before its data were prepared", exit=Exit.USAGE)
    return {name: _learned(folder, known, one.roles, in_whole(name, "")) for name, one in plan.each.items()}


def _learned(folder: RunFolder, known: LearnedFile, roles: Mapping[str, Type], start: str) -> Learned:
    """What is called so that it begins with ``start``, by the rest of its name."""
    files = (folder.path / VOCABULARIES).glob(f"{start}data.text.*")
    return Learned(
        artifacts={file.name.removeprefix(start): read_bytes(file) for file in sorted(files)},
        labels=_beginning(known.labels, start),
        label_counts=_beginning(known.label_counts, start),
        statistics={
            role: Statistics(np.asarray(one["mean"], np.float32), np.asarray(one["std"], np.float32))
            for kind, one in known.statistics.items()
            if kind.startswith(start)
            for role in _named(kind.removeprefix(start), roles)
        },
    )


def _beginning(held: Mapping[str, T], start: str) -> dict[str, T]:
    """What is held under names that begin with ``start``, by the rest of the name."""
    return {name.removeprefix(start): one for name, one in held.items() if name.startswith(start)}


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
