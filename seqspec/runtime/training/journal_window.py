"""What the micro-steps of a run gave since the last line of its journal, by phase and task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from seqspec.components.gauges import OF
from seqspec.runtime.devices.deferred_number import DeferredNumber
from seqspec.runtime.devices.processes import gather
from seqspec.runtime.training.gradients import Verdict


class Window:
    """What every micro-batch gave since the last line of the journal.

    Values stay on the device, one by one, until they are read; then they are added exactly, so that the
    sums are the same bits however many processes the micro-batches were shared by.
    """

    def __init__(self) -> None:
        self._values: list[dict[str, Tensor | float]] = []
        self._pending: list[dict[str, Tensor | float]] = []
        self._norm: float | DeferredNumber = 0.0
        self.steps = self.dropped = 0

    def add(self, loss: Any, *, gauges: Mapping[str, Tensor] | None = None) -> None:
        """One micro-step of the optimiser step that is under way, and what parts of the model measured."""
        values = {"loss": loss.total, "count": loss.count, **loss.terms, **(gauges or {})}
        self._pending.append({name: _apart(value) for name, value in values.items()})

    def take(self) -> list[dict[str, float]]:
        """What the micro-steps of the update that is under way gave, out of the window again."""
        taken, self._pending = _floats(self._pending), []
        return taken

    def give(self, values: Sequence[Mapping[str, float]]) -> None:
        """What micro-steps of the update that is under way gave elsewhere."""
        self._pending += [dict(one) for one in values]

    def close(self, verdict: Verdict, *, counts: bool = True) -> None:
        """The optimiser step is over; one with a number that is not finite enters no sum.  ``counts``: its
        norm is kept, and it is one of ``steps``.
        """
        if verdict.finite:
            self._values += self._pending
            self._norm = verdict.norm if counts else self._norm
        self._pending = []
        self.steps += counts
        self.dropped += not verdict.update

    @property
    def norm(self) -> float:
        """The gradient's norm of the last step that was finite."""
        return float(self._norm)

    def values(self) -> list[dict[str, float]]:
        """What every micro-batch gave, in all processes; all of them must ask."""
        return [one for part in gather(_floats(self._values)) for one in part]

    def means(self) -> dict[str, float]:
        """Every sum over the number of targets or over its own count, the loss first; all processes must
        ask.
        """
        held = self.values()
        # By name, since what comes out of a checkpoint is no longer in the order of the criterion.
        names = sorted(held[0] if held else (), key=lambda name: (name != "loss", name))
        sums = {name: math.fsum(one[name] for one in held) for name in names}
        count = sums.pop("count", 0.0) or 1.0
        counts = {name.removesuffix(OF): sums.pop(name) or 1.0 for name in names if name.endswith(OF)}
        return {name: value / counts.get(name, count) for name, value in sums.items()}

    def state(self) -> dict[str, Any]:
        """For a checkpoint; all processes must ask."""
        held = sorted(self.values(), key=lambda one: sorted(one.items()))
        return {"values": held, "norm": self.norm, "steps": self.steps, "dropped": self.dropped}

    def absorb(self, state: Mapping[str, Any]) -> None:
        """Steps whose ``state`` was taken in a window of their own."""
        self._values += state["values"]
        self._norm = state["norm"] if state["steps"] else self._norm
        self.steps += state["steps"]
        self.dropped += state["dropped"]

    def load(self, state: Mapping[str, Any], *, first: bool) -> None:
        """The ``first`` process takes the values of all."""
        self._values = list(state["values"]) if first else []
        self._norm, self.steps, self.dropped = state["norm"], state["steps"], state["dropped"]


class Windows:
    """A window for each phase and task.  Where there are several phases, ``critic/`` goes before the names of
    values; where there are several tasks, theirs goes behind the first word: ``loss.asr``, ``loss.asr.ctc``.
    """

    def __init__(self, phases: tuple[str, ...], tasks: tuple[str, ...] = ("",)) -> None:
        self._phases, self._tasks = phases, tasks
        self._held = {(phase, task): Window() for phase in phases for task in tasks}

    def __getitem__(self, place: tuple[str, str]) -> Window:
        return self._held[place]

    @property
    def dropped(self) -> int:
        """Updates that were not made."""
        return sum(window.dropped for window in self._held.values())

    def keyed(self, what: str, values: Sequence[Any]) -> dict[str, Any]:
        """``{"rate": …}`` of one phase, ``{"critic/rate": …}`` of several; ``values`` in their order."""
        return {self._named(what, phase): value for phase, value in zip(self._phases, values, strict=True)}

    def _named(self, what: str, phase: str, task: str = "") -> str:
        first, dot, rest = what.partition(".")
        name = f"{first}.{task}{dot}{rest}" if task else what
        return f"{phase}/{name}" if len(self._phases) > 1 else name

    def totals(self) -> dict[str, float]:
        """The sums of all windows together; all processes must ask."""
        held = [one for window in self._held.values() for one in window.values()]
        names = sorted({name for one in held for name in one})
        return {name: math.fsum(one.get(name, 0.0) for one in held) for name in names}

    def norms(self) -> dict[str, float]:
        """The last finite norm of each phase and task; of several tasks, of those that had a turn."""
        return {
            self._named("norm", *place): window.norm
            for place, window in self._held.items()
            if window.steps or len(self._tasks) == 1
        }

    def means(self) -> dict[str, float]:
        """The means of each phase and task; all processes must ask."""
        means = {place: window.means() for place, window in self._held.items()}
        return {
            self._named(name, *place): value
            for place, found in means.items()
            for name, value in found.items()
        }

    def state(self) -> dict[str, Any]:
        """For a checkpoint; all processes must ask."""
        states = {self._key(place): window.state() for place, window in self._held.items()}
        return next(iter(states.values())) if len(states) == 1 else states

    def absorb(self, state: Mapping[str, Any]) -> None:
        """Steps whose ``state`` was taken in windows of their own."""
        for place, window in self._held.items():
            window.absorb(self._part(state, place))

    def load(self, state: Mapping[str, Any], *, first: bool) -> None:
        """The ``first`` process takes the values of all."""
        for place, window in self._held.items():
            window.load(self._part(state, place), first=first)

    def _part(self, state: Mapping[str, Any], place: tuple[str, str]) -> Any:
        return state if len(self._held) == 1 else state[self._key(place)]

    def _key(self, place: tuple[str, str]) -> str:
        return "/".join(place) if len(self._tasks) > 1 else place[0]

    def emptied(self) -> Windows:
        """Windows of the same phases and tasks that hold nothing."""
        return Windows(self._phases, self._tasks)


def is_of_windows(state: object) -> bool:
    """Whether ``state``, which came from elsewhere, is what ``Windows.state`` gives."""
    if not isinstance(state, dict) or not state:
        return False
    parts = [state] if "values" in state else list(state.values())
    return all(
        isinstance(part, dict)
        and are_values(part.get("values"))
        and all(isinstance(part.get(name), float | int) for name in ("norm", "steps", "dropped"))
        for part in parts
    )


def are_values(values: object) -> bool:
    """Whether these, which came from elsewhere, are numbers by name of each of some micro-batches."""
    return isinstance(values, list) and all(
        isinstance(one, dict) and all(isinstance(value, float | int) for value in one.values())
        for one in values
    )


def _apart(value: Tensor | float) -> Tensor | float:
    """Without what it was worked out from."""
    return value.detach() if isinstance(value, Tensor) and value.requires_grad else value


def _floats(held: Sequence[Mapping[str, Tensor | float]]) -> list[dict[str, float]]:
    read = _read([value for one in held for value in one.values()])
    return [dict(zip(one, islice(read, len(one)), strict=True)) for one in held]


def _read(values: Sequence[Tensor | float]) -> Iterator[float]:
    """Numbers in order; those on a device come over in one piece."""
    away = [value.double() for value in values if isinstance(value, Tensor) and value.device.type != "cpu"]
    over = iter(torch.stack(away).tolist() if away else ())
    for value in values:
        yield next(over) if isinstance(value, Tensor) and value.device.type != "cpu" else float(value)
