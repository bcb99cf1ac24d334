"""The plan of a run directory, from its spec and what its data have told; loads no torch."""

from __future__ import annotations

from collections.abc import Sequence

from seqspec.compile.analysis.front_end import understand
from seqspec.compile.infer.infer import infer
from seqspec.compile.language.suggestions import nearest
from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.run_folder.documents import read_learned
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.model_folders import read_folders
from seqspec.schema.diagnostic import Exit, RunError, SpecError


def compile_run(folder: RunFolder, *, overlays: Sequence[Overlay] = ()) -> Compiled:
    """The plan of a run directory.

    The rules of ``compile/checks`` were applied when the run began, some of them leniently to what a
    profile or ``--set`` brought about; here they are not asked again.  Tasks keep the order in which the run
    has them: one that began before tasks were ordered by name goes on as it was.
    """
    known = read_learned(folder.path)
    tree, experiment = understand(folder.spec, overlays, as_written=True)
    facts = known.facts if known else {}
    plan, mistakes = infer(experiment, tree, facts=facts, open=read_folders(folder.path))
    if any(d.severity == "error" for d in mistakes):
        raise SpecError(mistakes)
    return Compiled(plan, tree)


def task_of(plan: Plan, asked: str | None, *, run: RunFolder) -> str:
    """The task that is meant: the one that is named, or the only one.  Raises ``RunError``."""
    known = tuple(plan.tasks)
    if asked is None and not known:
        return ""
    if asked in known:
        return asked
    listed = ", ".join(f"`{name}`" for name in known)
    if asked is None:
        raise RunError(f"{run.path} has learned several tasks: {listed}", exit=Exit.USAGE,
                       help="choose one with `--task NAME`")  # fmt: skip
    near = nearest(asked, known)
    there = f"there are {listed}" if known else "the run has one task, which has no name: leave `--task` out"
    help = f"did you mean `{near}`?" if near else None
    raise RunError(f"{run.path} has no task `{asked}`; {there}", exit=Exit.USAGE, help=help)
