"""What every schedule declares: a number for each step."""

from seqspec.schema.config import Config


class ScheduleConfig(Config):
    """Steps count from 1."""

    def rate(self, step: int) -> float:
        """The learning rate, or the weight, at a step."""
        raise NotImplementedError
