"""The plan of a run directory, from its spec and what its data have told; loads no torch."""

from __future__ import annotations

from collections.abc import Sequence

from seqspec.compile.analysis.front_end import understand
from seqspec.compile.infer.infer import infer
from seqspec.compile.plan.plan import Compiled
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.run_folder.documents import read_learned
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.model_folders import read_folders
from seqspec.schema.diagnostic import SpecError


def compile_run(folder: RunFolder, *, overlays: Sequence[Overlay] = ()) -> Compiled:
    """The plan of a run directory.

    The rules of ``compile/checks`` were applied when the run began, some of them leniently to what a
    profile or ``--set`` brought about; here they are not asked again.
    """
    known = read_learned(folder.path)
    tree, experiment = understand(folder.spec, overlays)
    facts = known.facts if known else {}
    plan, mistakes = infer(experiment, tree, facts=facts, open=read_folders(folder.path))
    if any(d.severity == "error" for d in mistakes):
        raise SpecError(mistakes)
    return Compiled(plan, tree)
