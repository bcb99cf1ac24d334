"""The product of several schedules, as Tensor2Tensor builds curves (``constant*linear_warmup``)."""

from collections.abc import Mapping
from math import prod
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Flow
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, Type


class ProductConfig(ScheduleConfig):
    """Schedules multiplied with one another."""

    factors: Annotated[list[Annotated[ScheduleConfig, Slot("schedule")]], Field(min_length=1)]
    """The schedules; one of them carries the learning rate, the others go up to 1."""

    def wire(self, source: Type | Mapping[str, Type], flow: Flow) -> Type:
        for index in range(len(self.factors)):
            flow.item("factors", index, source)
        return Nothing()

    def rate(self, step: int) -> float:
        return prod(factor.rate(step) for factor in self.factors)
