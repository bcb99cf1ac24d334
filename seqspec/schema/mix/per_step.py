"""Every step takes several batches, at least one of each task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Positive


class PerStepConfig(Config):
    """Give every step ``batches`` batches, at least one of each task and more by the rates of another mix.

    For procedures whose step joins all tasks.  With rates that make whole batches (1 : 3 of four) every step
    is alike; otherwise a task has the next whole number below or above its share, drawn anew for each step so
    that it comes to its share in the long run (systematic sampling).  A task whose share is below one batch
    has one all the same, which the others give.
    """

    batches: Positive
    """Batches of a step; as many as there are tasks, or more."""
    by: Annotated[Config, Slot("mix")] = Field(default="constant", validate_default=True)
    """The mix whose rates share a step's batches out; they are those at the first batch of the step."""

    @property
    def per_step(self) -> int:
        """Batches of a step."""
        return self.batches

    @property
    def adapts(self) -> bool:
        """Whether the rates follow evaluations."""
        return bool(getattr(self.by, "adapts", False))

    def wire(self, tasks: Mapping[str, Type], flow: Flow) -> Nothing:
        """Refuses fewer batches than tasks, and a mix of steps within one."""
        if self.batches < len(tasks):
            raise Mismatch(
                f"a step of {self.batches} batch{'es' * (self.batches > 1)} has none for some of the "
                f"{len(tasks)} tasks",
                at=("batches",),
                help=f"use {len(tasks)} or more",
            )
        if getattr(self.by, "per_step", None) is not None:
            message = "the mix within says itself how many batches a step has"
            raise Mismatch(message, at=("by",), help="name one that gives rates, such as `proportional`")
        flow.node("by", tasks)
        return Nothing()

    def at(self, step: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """The rates of the mix within."""
        found: dict[str, Any] = self.by.at(step, sizes)  # type: ignore[attr-defined]
        return found

    def after(self, metrics: Mapping[str, float], *, lower: frozenset[str]) -> dict[str, float]:
        """The rates of the mix within, once an evaluation has found ``metrics``."""
        found: dict[str, float] = self.by.after(metrics, lower=lower)  # type: ignore[attr-defined]
        return found
