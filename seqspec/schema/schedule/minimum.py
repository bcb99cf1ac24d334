"""The least of several schedules (Lingvo's CombinedMinimumSchedule)."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Flow
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, Type


class MinimumConfig(ScheduleConfig):
    """At each step the lowest of its schedules."""

    of: Annotated[list[Annotated[ScheduleConfig, Slot("schedule")]], Field(min_length=1)]
    """The schedules."""

    def wire(self, source: Type | Mapping[str, Type], flow: Flow) -> Type:
        for index in range(len(self.of)):
            flow.item("of", index, source)
        return Nothing()

    def rate(self, step: int) -> float:
        return min(schedule.rate(step) for schedule in self.of)
