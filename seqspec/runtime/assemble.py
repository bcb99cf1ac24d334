"""Plan, prepared data and program of one experiment put together; from a spec, or from what a run directory
holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqspec.compile import recompile
from seqspec.compile.build import Program, build
from seqspec.compile.build_data import build_data
from seqspec.compile.front import understand
from seqspec.compile.infer import infer
from seqspec.compile.overlay import Overlay
from seqspec.compile.plan import Compiled
from seqspec.data.cache import default_cache
from seqspec.data.parts import DataParts
from seqspec.data.prepare import Prepared, prepare
from seqspec.data.progress import Progress, bar
from seqspec.runtime.folder import RunFolder
from seqspec.schema.diagnostic import DataError, Exit, RunError, SpecError

VOCABULARIES = "vocabularies"


@dataclass(frozen=True)
class Assembled:
    """Everything that a run works with."""

    compiled: Compiled
    prepared: Prepared
    program: Program


def assemble(compiled: Compiled, *, splits: Sequence[str], progress: Progress = bar) -> Assembled:
    """Prepare the data, fill in what only they can tell, and build.  Raises ``SpecError`` and ``DataError``.
    """
    parts = build_data(compiled.plan)
    present = [name for name in splits if name in parts.adapter.splits() or _cut(parts, name)]
    missing = [name for name in splits if name not in present]
    if missing:
        raise DataError(
            f"the corpus has no part that is called {missing[0]}",
            help=f"it has {', '.join(parts.adapter.splits())}; change `evaluate.splits`, or `data.source.splits`",
        )
    prepared = prepare(parts, cache=default_cache(), splits=present, progress=progress)
    known = dict(prepared.facts)
    if compiled.plan.facts != tuple(sorted(known.items())):
        compiled = recompile(compiled, facts=known)
    return Assembled(compiled, prepared, build(compiled.plan, tree=compiled.tree))


def save_vocabularies(folder: RunFolder, prepared: Prepared) -> None:
    """Keep what trained tokenizers learned, so that the run can be used without its corpus."""
    place = folder.path / VOCABULARIES
    place.mkdir(exist_ok=True)
    for name, artifact in prepared.artifacts.items():
        (place / name).write_bytes(artifact)
    folder.note(
        "facts.json",
        {"facts": dict(prepared.facts), "labels": {k: list(v) for k, v in prepared.labels.items()}},
    )


def reopen(folder: RunFolder) -> tuple[Compiled, DataParts, Program]:
    """The program of a run and its data parts, vocabularies loaded, without touching the corpus."""
    known = folder.read("facts.json")
    if known is None:
        raise RunError(f"{folder.path} ended before its data were prepared", exit=Exit.USAGE)
    compiled = compile_run(folder)
    parts = build_data(compiled.plan)
    for artifact in sorted((folder.path / VOCABULARIES).glob("*")):
        role = artifact.name.split(".")[2]
        for name in ("source", "target") if role == "shared" else (role,):
            if name in parts.text:
                parts.text[name].load(artifact.read_bytes())
    return compiled, parts, build(compiled.plan, tree=compiled.tree)


def compile_run(folder: RunFolder, *, overlays: Sequence[Overlay] = ()) -> Compiled:
    """The plan of a run directory.

    The rules of ``compile/checks`` were applied when the run began, some of them leniently to what a profile or ``--set``
    brought about; here they are not asked again.
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
