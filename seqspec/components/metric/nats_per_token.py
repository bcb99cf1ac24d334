"""Mean negative log-likelihood in nats."""

from __future__ import annotations

from seqspec.components.metric._teacher_forced import TeacherForced


class NatsPerToken(TeacherForced):
    """Per target token, the end symbol included."""

    name = "nats_per_token"
    needs = ("nll", "targets")

    def of(self, total: float, count: float) -> float:
        return total / count
