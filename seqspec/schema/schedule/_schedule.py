"""What every schedule declares: a number for each step."""

from typing import ClassVar

from seqspec.schema.config import Config


class ScheduleConfig(Config):
    """Steps count from 1."""

    any_of_slot: ClassVar[bool] = True

    def rate(self, step: int) -> float:
        """The learning rate, or the weight, at a step."""
        raise NotImplementedError
