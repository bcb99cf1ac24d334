"""Rates that are stated at some batches: Tensor2Tensor's ``MultiProblemV2``, Lingvo's
``PieceWiseScheduler``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.mix._mix import named, require_some
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Count, NonNegative


class Stated(Config):
    """The rates at one batch."""

    at: Count
    """Global batch, from 0."""
    rates: dict[str, NonNegative]
    """How often each task is drawn, relative to the others."""


class PiecewiseConfig(Config):
    """Rates stay as they were stated last, or go straight to those that are stated next."""

    points: Annotated[list[Stated], Field(min_length=1, max_length=1000)]
    """Rates by batch, rising, the first at batch 0; after the last they stay."""
    between: Literal["step", "linear"] = "step"
    """``step`` changes at a point, ``linear`` on the way to it."""

    def output(self, tasks: Mapping[str, Type]) -> Nothing:
        """Refuses names that are no tasks, and batches out of order."""
        batches = [point.at for point in self.points]
        if batches[0] != 0:
            raise Mismatch(
                "the rates at the first batch are not stated", at=("points",), help="begin `at: 0`"
            )
        if batches != sorted(set(batches)):
            raise Mismatch("the batches of the points do not rise", at=("points",))
        for point in self.points:
            named(point.rates, tasks, at="points")
            require_some(point.rates, at="points")
        return Nothing()

    def at(self, step: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """The first rates, and each change as far as it has come."""
        found: dict[str, Any] = {task: self.points[0].rates[task] + 0.0 * step for task in sizes}
        for before, after in zip(self.points, self.points[1:], strict=False):
            done = self._done(step, before.at, after.at)
            found = {task: rate * (1 - done) + after.rates[task] * done for task, rate in found.items()}
        return found

    def _done(self, step: Any, start: int, end: int) -> Any:
        """How much of a change has been made at a batch, from 0 to 1."""
        ended = 1.0 * (step >= end)
        if self.between == "step":
            return ended
        part = (step - start) / (end - start)
        return part * (part > 0) * (1 - ended) + ended
