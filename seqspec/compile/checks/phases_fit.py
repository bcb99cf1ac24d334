"""A procedure whose phases do not fit the optimisers and losses of the spec.

Each phase of a training step moves parameters by one optimiser and makes some losses small, all by their names. An optimiser that no phase uses would leave its parameters as they were drawn.

Example, in the spec of ``seqspec new mt``::

    procedure: adversarial

Use instead::

    procedure: supervised
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqspec.compile.plan.plan import Plan
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import Finding
from seqspec.schema.procedure._procedure import Phase
from seqspec.schema.source import Path

CODE = "SQ260"


def check(plan: Plan) -> Iterator[Finding]:
    places = {str(path[-1]): path for path in plan.optimizers}
    if not places:
        return
    try:
        phases = plan.experiment.procedure.phases(tuple(places))
    except Mismatch as mismatch:
        if not mismatch.at and len(places) != 1:
            written = "procedure" in plan.experiment.model_fields_set
            also = ((("procedure",), "the procedure"),) if written else ()
            yield Finding(("optimizers",), mismatch.message, help=mismatch.help, also=also)
        else:
            yield Finding(("procedure", *mismatch.at), mismatch.message, help=mismatch.help)
        return
    losses = tuple(getattr(plan.experiment, "losses", None) or ("loss",))
    for phase in phases:
        if phase.optimizer not in places:
            yield _unknown(phase, "optimiser", phase.optimizer, tuple(places))
        for name in phase.losses or ():
            if name not in losses:
                yield _unknown(phase, "loss", name, losses)
    yield from _idle(places, phases)


def _unknown(phase: Phase, kind: str, name: str, known: tuple[str, ...]) -> Finding:
    key = "optimizers" if kind == "optimiser" else "losses"
    there = ", ".join(f"`{one}`" for one in known)
    return Finding(
        ("procedure",),
        f"phase `{phase.name}` names the {kind} `{name}`, and the spec has {there}",
        help=f"write it under `{key}`, or tell the procedure the name that is there",
    )


def _idle(places: Mapping[str, Path], phases: tuple[Phase, ...]) -> Iterator[Finding]:
    used = {phase.optimizer for phase in phases}
    for name, path in places.items():
        if name not in used and len(places) > 1:
            yield Finding(
                path,
                f"no phase of the procedure uses the optimiser `{name}`",
                help="take it out, or choose a procedure with a phase for it",
                on_key=True,
                also=((("procedure",), "the procedure"),),
            )
