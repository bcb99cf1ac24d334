"""Share of target tokens that are most probable."""

from __future__ import annotations

from seqspec.components.metric._teacher_forced import TeacherForced


class TokenAccuracy(TeacherForced):
    """Given the reference's tokens so far, the end symbol included."""

    name = "token_accuracy"
    needs = ("correct", "targets")
    better = "higher"

    def of(self, total: float, count: float) -> float:
        return total / count
