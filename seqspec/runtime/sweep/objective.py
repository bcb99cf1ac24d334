"""What a sweep makes best: a metric of the spec on a split that is not for testing."""

from __future__ import annotations

from typing import NamedTuple

from seqspec.compile.plan.metric_names import metric_names
from seqspec.compile.plan.plan import Plan
from seqspec.components.protocols import Metric
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.sections.sweep import Direction


class Objective(NamedTuple):
    """A metric, the split it is measured on, and which way is better."""

    split: str
    metric: str
    direction: Direction


def objective(plan: Plan, *, metric: str | None, direction: Direction | None) -> Objective:
    """The objective that ``--metric`` names as ``bleu`` or ``dev.bleu``, of several tasks as ``mt/dev.bleu``;
    left out, the spec's first metric.

    Raises ``RunError`` for a metric the spec does not measure and for a test split.
    """
    name, _, rest = (metric or "").rpartition("/")
    if name not in plan.each:
        listed = ", ".join(plan.tasks) or "one task, without a name"
        example = f"{next(iter(plan.tasks), '')}/dev.METRIC".lstrip("/")
        raise RunError(f"`--metric {metric or 'METRIC'}` names no task, and the spec has {listed}",
                       exit=Exit.USAGE, help=f"write it as `--metric {example}`")  # fmt: skip
    found = _objective(plan.each[name], metric=rest or None, direction=direction)
    return found._replace(split=f"{name}/{found.split}") if name else found


def _objective(plan: Plan, *, metric: str | None, direction: Direction | None) -> Objective:
    evaluate = plan.experiment.evaluate
    measured = metric_names(evaluate.metrics)
    first, _, last = (metric or "").rpartition(".")
    split, name = first or _usual_split(list(evaluate.splits)), last or next(iter(measured), "")
    if split.startswith("test"):
        raise RunError(f"a sweep must not choose by `{split}`: it would no longer test the best trial",
                       exit=Exit.USAGE, help="choose by a dev split, and test the best once")  # fmt: skip
    if split not in evaluate.splits:
        raise RunError(f"the spec does not evaluate on `{split}`", exit=Exit.USAGE,
                       help=f"`evaluate.splits` has {', '.join(evaluate.splits)}")  # fmt: skip
    if name not in measured:
        raise RunError(f"the spec does not measure `{name}`" if name else "the spec measures no metric",
                       exit=Exit.USAGE,
                       help=f"`evaluate.metrics` has {', '.join(measured) or 'none: add one'}")  # fmt: skip
    return Objective(split, name, direction or _better(plan, measured.index(name)))


def _usual_split(splits: list[str]) -> str:
    return next((one for one in splits if not one.startswith("test")), splits[0] if splits else "dev")


def _better(plan: Plan, index: int) -> Direction:
    """The metric itself says which way is better."""
    type_ = plan.experiment.evaluate.metrics[index].component[1]
    metric: type[Metric] = Catalogue(tuple(plan.experiment.plugins)).module("metric", type_)
    return "minimize" if metric.better == "lower" else "maximize"
