"""Which tasks train which part of the models, and how large each part is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

from torch import nn

from seqspec.compile.build.program import Program
from seqspec.schema.source import Path, dotted


class TrainedPart(TypedDict):
    """One row of the matrix."""

    part: str
    parameters: int
    """Trainable; a weight that is tied or shared counts at the first part that has it."""
    tasks: list[str]


def trained_parts(program: Program) -> list[TrainedPart]:
    """What tasks share, then what each has for itself, a part of its model a row."""
    seen: set[int] = set()
    return [
        TrainedPart(part=dotted(path), parameters=_size(program.components[path], seen), tasks=tasks)
        for path, tasks in _parts(program)
        if isinstance(program.components[path], nn.Module)
    ]


def _parts(program: Program) -> Iterator[tuple[Path, list[str]]]:
    shared: set[Path] = set()
    for one in program.plan.shared:
        tasks = list(dict.fromkeys(task for task, _ in one.places))
        shared |= {("tasks", task, *place) for task, place in one.places}
        yield one.part, tasks
    for name in program.tasks:
        model: Path = ("tasks", name, "model")
        for path in program.components:
            if path[:3] == model and len(path) == 4 and path not in shared and model not in shared:
                yield path, [name]


def _size(module: Any, seen: set[int]) -> int:
    own = [p for p in module.parameters() if p.requires_grad and id(p) not in seen]
    seen.update(map(id, own))
    return sum(p.numel() for p in own)
