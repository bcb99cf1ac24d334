"""What each lane of packed rows has kept of its last row: handed to the model before the next one, part of
every checkpoint.

What is kept depends on the weights of the step that it was kept in, so it cannot be worked out again later.
It belongs to a lane and not to a process: however many slices and processes share a batch, the memory of a
lane is the same, and a run that goes on with others finds all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components.lane_state import Carried, carrying
from seqspec.data.batching.batch import Batch, InLanes
from seqspec.runtime.devices.processes import gather

NOTHING = nullcontext()

Held = dict[str, dict[str, Tensor]]
"""By part and name, a row for each lane of a slice."""


class _Row(NamedTuple):
    """Where a lane's memory lies."""

    held: Held
    number: int
    of: int
    """Rows of ``held``."""
    loaded: bool = False
    """It is of a checkpoint; where another process has the lane now, that one has a newer."""


class LaneMemories:
    """The memories of one model's lanes."""

    def __init__(self, model: nn.Module) -> None:
        self.parts: dict[str, Carried] = dict(carrying(model))
        self._rows: dict[int, _Row] = {}

    @contextmanager
    def around(self, lanes: InLanes | None) -> Iterator[None]:
        """A pass over rows in ``lanes``: with what each lane has kept, and what it keeps is taken after it.

        The past stays with the parts until the next pass, since layers may be worked out again for gradients.
        """
        found = self._found(lanes) if lanes is not None and not lanes.begins else {}
        for name, part in self.parts.items():
            part.past, part.kept, part.keeps = found.get(name, {}), {}, lanes is not None
        yield
        if lanes is not None:
            held = {name: part.kept for name, part in self.parts.items()}
            for number, lane in enumerate(lanes.numbers):
                self._rows[lane] = _Row(held, number, len(lanes.numbers))
        for part in self.parts.values():
            part.keeps = False

    def leave(self) -> None:
        """Later passes begin without a past."""
        for part in self.parts.values():
            part.past, part.kept, part.keeps = {}, {}, False

    def forget(self) -> None:
        """Every lane begins again, as after numbers that are not finite."""
        self._rows = {}

    def state(self) -> Held:
        """The memories of every lane, one after another; all processes must ask."""
        mine = {lane: _one(row) for lane, row in self._rows.items() if not row.loaded}
        lanes = {lane: _one(row) for lane, row in self._rows.items() if row.loaded}
        lanes |= {lane: held for part in gather(mine) for lane, held in part.items()}
        return _joined([lanes[lane] for lane in sorted(lanes)])

    def load(self, held: Held) -> None:
        """Take up what ``state`` gave."""
        count = next((len(tensor) for part in held.values() for tensor in part.values()), 0)
        self._rows = {lane: _Row(held, lane, count, loaded=True) for lane in range(count)}

    def _found(self, lanes: InLanes) -> Held:
        rows = [self._rows[lane] for lane in lanes.numbers if lane in self._rows]
        if len(rows) < len(lanes.numbers):  # forgotten
            return {}
        first = rows[0]
        whole = first.of == len(rows) and all(
            row.held is first.held and row.number == number for number, row in enumerate(rows)
        )
        return first.held if whole else _joined([_one(row) for row in rows])


class CarriedMemories:
    """Those of a run, of which each task has its own."""

    def __init__(self, models: Mapping[str, nn.Module]) -> None:
        self._tasks = {task: LaneMemories(model) for task, model in models.items()}
        self._carries = any(memories.parts for memories in self._tasks.values())
        self._collected: dict[str, Tensor] = {}

    def around(self, batch: Batch) -> AbstractContextManager[None]:
        """The pass of a micro-batch."""
        return self._around(batch) if self._carries else NOTHING

    @contextmanager
    def _around(self, batch: Batch) -> Iterator[None]:
        for task, memories in self._tasks.items():
            if task != batch.task:
                memories.leave()
        with self._tasks[batch.task].around(batch.lanes):
            yield

    def leave(self) -> None:
        """Training pauses: what is evaluated has no part in its memories."""
        for memories in self._tasks.values():
            memories.leave()

    def forget(self) -> None:
        """Every lane begins again."""
        for memories in self._tasks.values():
            memories.forget()

    def collect(self) -> None:
        """Bring together what processes hold, for ``tensors``; all of them must ask."""
        self._collected = {
            f"{task}:{part}:{name}": tensor
            for task, memories in self._tasks.items()
            for part, held in memories.state().items()
            for name, tensor in held.items()
        }

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """For a checkpoint; nothing where nothing is carried."""
        return {"carried": self._collected} if self._collected else {}

    def load(self, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take up what ``tensors`` gave.  Raises ``ValueError`` for what no part of the models carries."""
        found: dict[str, Held] = {task: {} for task in self._tasks}
        for key, tensor in tensors.get("carried", {}).items():
            task, _, inside = key.partition(":")
            part, _, name = inside.partition(":")
            if task not in found or part not in self._tasks[task].parts:
                raise ValueError(f"the checkpoint is not of this model: it carries `{key}`")
            found[task].setdefault(part, {})[name] = tensor
        for task, held in found.items():
            self._tasks[task].load(held)


def _one(row: _Row) -> Held:
    """``[1, …]`` of one lane."""
    return {
        part: {name: tensor[row.number : row.number + 1] for name, tensor in held.items()}
        for part, held in row.held.items()
    }


def _joined(each: list[Held]) -> Held:
    if not each:
        return {}
    return {
        part: {name: torch.cat([one[part][name] for one in each]) for name in held}
        for part, held in each[0].items()
    }
