"""Plan, prepared data and program of one experiment put together; from a spec, or from what a run directory
holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seqspec.compile.analysis.front_end import understand
from seqspec.compile.build.data_parts import build_data
from seqspec.compile.build.program import build
from seqspec.compile.diagnostics.report import located
from seqspec.compile.infer.infer import infer
from seqspec.compile.pipeline import recompile
from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.compile.resolve.overlay import Overlay
from seqspec.data.progress import Progress, bar
from seqspec.data.stages.examples import Split
from seqspec.data.stages.normalize import Statistics
from seqspec.data.stages.parts import DataParts
from seqspec.data.stages.prepare import Prepared, prepare
from seqspec.data.store.cache import default_cache
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.assembled import Assembled, Reopened
from seqspec.runtime.assembly.shallow_fusion import expect, fuse
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.schema.diagnostic import DataError, Exit, RunError, SpecError

VOCABULARIES = "vocabularies"


def assemble(compiled: Compiled, *, splits: Sequence[str], progress: Progress = bar) -> Assembled:
    """Prepare the data, fill in what they tell, build.  Raises ``SpecError`` and ``DataError``."""
    expect(compiled.plan)
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
        with located(compiled.tree):
            prepared = prepare(parts, cache=default_cache(), splits=present, progress=progress)
    except DataError as error:
        raise of_corpus(error, compiled.plan) from None
    known = dict(prepared.facts)
    if compiled.plan.facts != tuple(sorted(known.items())):
        compiled = recompile(compiled, facts=known)
    program = build(compiled.plan, tree=compiled.tree)
    return Assembled(compiled, prepared, fuse(program, prepared.parts.text, open=_reopened))


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


def reopen(folder: RunFolder, *, overlays: Sequence[Overlay] = ()) -> Reopened:
    """The program of a run and its data parts, vocabularies loaded, without touching the corpus."""
    run = _reopened(folder, overlays)
    return replace(run, program=fuse(run.program, run.parts.text, open=_reopened))


def _reopened(folder: RunFolder, overlays: Sequence[Overlay] = ()) -> Reopened:
    """The same without the language model that its search may listen to."""
    known = folder.read("facts.json")
    if known is None:
        raise RunError(f"{folder.path} ended before its data were prepared", exit=Exit.USAGE)
    compiled = compile_run(folder, overlays=overlays)
    parts = build_data(compiled.plan)
    for artifact in sorted((folder.path / VOCABULARIES).glob("data.text.*")):
        pipeline = artifact.name.split(".")[2]
        for role in parts.text:
            if parts.pipeline(role) == pipeline:
                parts.text[role].load(artifact.read_bytes())
    labels = {role: tuple(names) for role, names in known["labels"].items()}
    statistics = {
        kind: Statistics(np.asarray(one["mean"], np.float32), np.asarray(one["std"], np.float32))
        for kind, one in known["statistics"].items()
    }
    return Reopened(compiled, parts, build(compiled.plan, tree=compiled.tree), labels, statistics)


def compile_run(folder: RunFolder, *, overlays: Sequence[Overlay] = ()) -> Compiled:
    """The plan of a run directory.

    The rules of ``compile/checks`` were applied when the run began, some of them leniently to what a
    profile or ``--set`` brought about; here they are not asked again.
    """
    known = folder.read("facts.json")
    tree, experiment = understand(folder.spec, overlays)
    plan, mistakes = infer(experiment, tree, facts=known["facts"] if known else {})
    if any(d.severity == "error" for d in mistakes):
        raise SpecError(mistakes)
    return Compiled(plan, tree)


def _cut(parts: DataParts, name: str) -> bool:
    """Whether the spec cuts this split out of train."""
    split = parts.config.split
    return split is not None and bool(getattr(split, name, 0.0))
