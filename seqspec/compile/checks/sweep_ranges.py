"""A range of `sweep.space` that cannot be searched.

Each setting takes one kind of range: bounds in order, above 0 for a logarithmic one, or a list of different
choices, each of which may be a section with ranges inside. The seed is no setting: `seeds` repeats every
trial with more of them.

Example, in the spec of ``seqspec new mt``::

    sweep: {space: {optimizer.schedule.peak: {log_uniform: [0, 3.0e-3]}}}

Use instead::

    sweep: {space: {optimizer.schedule.peak: {log_uniform: [1.0e-5, 3.0e-3]}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.sections.sweep import dimension_of
from seqspec.schema.sections.sweep_space import SpaceError

CODE = "SQ385"


def check(plan: Plan) -> Iterator[Finding]:
    sweep = plan.experiment.sweep
    for path, given in (sweep.space if sweep else {}).items():
        at = ("sweep", "space", path)
        try:
            dimension_of(path, given)
        except SpaceError as error:
            yield Finding(at, str(error), help=error.help)
        if path == "seed":
            yield Finding(at, "a seed is no setting to search for", on_key=True,
                          help="`seeds` repeats every trial with more of them")  # fmt: skip
