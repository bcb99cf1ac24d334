"""One component of a plugin built as a run builds it, twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.types import Type

Written = str | Mapping[str, Any]
"""What stands in a spec: a name, or a mapping with a ``type``."""
Source = Type | Mapping[str, Type]


class Built(NamedTuple):
    """A component, and what inference says of it."""

    part: Any
    config: Any
    takes: Source
    gives: Type


def built(plugin: str, slot: str, written: Written, sources: Sequence[Source]) -> Built:
    """The component on the first of ``sources`` that it takes.  Every key has to be read, and the seed has to
    decide all of its weights; raises ``AssertionError`` where that is not so.
    """
    import torch

    from seqspec.compile.build.construct import Constructor

    source, plan = planned(plugin, slot, written, sources)
    constructors = [Constructor(plan), Constructor(plan)]
    parts = []
    for constructor in constructors:
        torch.manual_seed(1)
        parts.append(constructor.build("part"))
    assert not (unread := [f.message for f in constructors[0].unread()]), "; ".join(unread)
    if isinstance(parts[0], torch.nn.Module):
        twins = zip(parts[0].state_dict().items(), parts[1].state_dict().values(), strict=True)
        differ = [name for (name, one), other in twins if not torch.equal(one, other)]
        assert not differ, f"two builds with one seed differ in {', '.join(differ)}"
    return Built(parts[0], part_of(plan), source, plan.node("part").gives)


def planned(plugin: str, slot: str, written: Written, sources: Sequence[Source]) -> tuple[Source, Plan]:
    """The plan of the component alone, at ``part``, and the first of ``sources`` that it takes."""
    from seqspec.compile.build.one_component import plan_component

    refused: list[str] = []
    for source in sources:
        try:
            return source, plan_component(slot, written, source=source, plugins=(plugin,))
        except SpecError as error:
            refused += [one.message for one in error.diagnostics]
    raise AssertionError("; ".join(dict.fromkeys(refused)))


def part_of(plan: Plan) -> Any:
    """The config, with what follows from others filled in."""
    alone: Any = plan.experiment
    return alone.part


def gradient_reaches(module: Any) -> None:
    """Every parameter that learns has a gradient after ``backward``, and finite ones."""
    learns = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    without = [name for name, p in learns if p.grad is None]
    assert not without, f"no gradient reaches {', '.join(without)}"
    wild = [name for name, p in learns if not p.grad.isfinite().all()]
    assert not wild, f"the gradient of {', '.join(wild)} is not finite"
