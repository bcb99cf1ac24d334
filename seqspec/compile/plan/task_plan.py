"""The plan of several tasks as plain data: a part that they share stands once, under its own place, and is
named wherever it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from seqspec.compile.plan.shared_part import SharedPart
from seqspec.compile.plan.values import Value, values
from seqspec.schema.experiment import OWN, Experiment
from seqspec.schema.source import Path, dotted


class Plan(Protocol):
    """What is asked of a plan here."""

    @property
    def experiment(self) -> Experiment: ...

    @property
    def provenance(self) -> Any: ...

    @property
    def shared(self) -> tuple[SharedPart, ...]: ...

    @property
    def tasks(self) -> Mapping[str, Any]: ...

    @property
    def values(self) -> tuple[Value, ...]: ...


def values_of_tasks(plan: Plan) -> Iterator[Value]:
    """Every leaf: what belongs to all tasks, what they share, and what is each task's own."""
    assert plan.provenance is not None
    whole = values(plan.experiment, tree=plan.provenance.tree, reasons=plan.provenance.reasons)
    yield from (value for value in whole if value.path[0] not in ("tasks", "shared"))
    for one in plan.shared:
        if one.part[0] == "shared":
            home, place = one.places[0]
            yield from _moved(plan.tasks[home], place, one.part)
    used = _used(plan)
    weights = {value.path[1]: value for value in whole if value.path[2:] == ("weight",)}
    for name, task in plan.tasks.items():
        yield weights[name]
        for value in task.values:
            path: Path = ("tasks", name, *value.path)
            if value.path[0] in OWN and not any(path[: len(place)] == place for place in used):
                yield value._replace(path=path)
        for place, part in used.items():
            if place[1] == name:
                yield Value((*place, "use"), part, "written")


def dump_of_tasks(plan: Plan) -> dict[str, Any]:
    """The whole experiment as plain data."""
    found: dict[str, Any] = plan.experiment.model_dump(mode="json")
    for place, part in _used(plan).items():
        holder: Any = found
        for step in place[:-1]:
            holder = holder.get(step) if isinstance(holder, dict) else holder[step]
            if holder is None:
                break
        else:
            holder[place[-1]] = {"use": part}
    return found


def _used(plan: Plan) -> dict[Path, str]:
    """Every place where a part stands that has its home elsewhere, outer ones first."""
    found: dict[Path, str] = {}
    for one in plan.shared:
        for name, place in one.places:
            path: Path = ("tasks", name, *place)
            if path != one.part:
                found[path] = dotted(one.part)
    outer = [
        path for path in found if not any(path != other and path[: len(other)] == other for other in found)
    ]
    return {path: found[path] for path in outer}


def _moved(task: Plan, place: Path, part: Path) -> Iterator[Value]:
    for value in task.values:
        if value.path[: len(place)] == place:
            yield value._replace(path=(*part, *value.path[len(place) :]))
