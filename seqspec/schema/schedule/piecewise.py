"""Rates between given steps: in stairs (Lingvo's PiecewiseConstantSchedule) or joined by straight lines."""

from bisect import bisect_right
from itertools import pairwise
from typing import Literal

from seqspec.schema.config import Mismatch
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Count, NonNegative


class PiecewiseConfig(ScheduleConfig):
    """A rate from each given step on."""

    steps: list[Count]
    """Steps in rising order, the first of them 0."""
    rates: list[NonNegative]
    """The learning rate at each of ``steps``."""
    between: Literal["constant", "linear"] = "constant"
    """Keep a rate until the next step, or go to the next rate in a straight line."""

    def output(self, source: Type) -> Type:
        if not self.steps or self.steps[0] != 0 or any(a >= b for a, b in pairwise(self.steps)):
            raise Mismatch(
                "the steps must rise and begin with 0",
                at=("steps",),
                help="write them like `[0, 1000, 5000]`",
            )
        if len(self.steps) != len(self.rates):
            raise Mismatch(
                f"{len(self.steps)} steps, but {len(self.rates)} rates",
                at=("rates",),
                help="give each step one rate",
            )
        return Nothing()

    def rate(self, step: int) -> float:
        at = bisect_right(self.steps, step) - 1
        if self.between == "constant" or at + 1 == len(self.steps):
            return self.rates[at]
        share = (step - self.steps[at]) / (self.steps[at + 1] - self.steps[at])
        return self.rates[at] + share * (self.rates[at + 1] - self.rates[at])
