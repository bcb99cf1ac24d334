"""What every mix says: the rate of each task at each batch of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from seqspec.schema.config import Mismatch
from seqspec.schema.types import Nothing, Type


class Mix(Protocol):
    """The surface of a mix; a config alone, as a schedule is."""

    def at(self, step: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """How often each task is drawn at global batch ``step``, from 0, relative to the others; not below 0.

        ``step`` is a number or an array of numbers: only operators that take both may be used.  ``sizes``
        are the training examples of each task.
        """
        ...


class Adapting(Mix, Protocol):
    """A mix whose config has ``adapts``: after each evaluation the rates are others."""

    def after(self, metrics: Mapping[str, float], *, lower: frozenset[str]) -> dict[str, float]:
        """The rates once an evaluation has found ``metrics``, by task; of the tasks in ``lower``, lower is
        better.
        """
        ...


def named(given: Mapping[str, object], tasks: Mapping[str, Type], *, at: str) -> Nothing:
    """Refuses names that are no tasks, and tasks without a name."""
    for name in given:
        if name not in tasks:
            known = ", ".join(f"`{task}`" for task in tasks)
            raise Mismatch(f"there is no task `{name}`", at=(at, name), help=f"the tasks are {known}")
    for task in tasks:
        if task not in given:
            raise Mismatch(
                f"the task `{task}` is not among them",
                at=(at,),
                help="give every task a number; 0 never draws it",
            )
    return Nothing()


def require_some(rates: Mapping[str, float], *, at: str) -> None:
    """Refuses rates that are all 0."""
    if not any(rates.values()):
        raise Mismatch(
            "every task has the rate 0, so that nothing is trained", at=(at,), help="give one of them more"
        )
