"""Exponential of the mean negative log-likelihood."""

from __future__ import annotations

from seqspec.components.metric._sums import exponential
from seqspec.components.metric._teacher_forced import TeacherForced


class Perplexity(TeacherForced):
    """Per target token, the end symbol included."""

    name = "perplexity"
    needs = ("nll", "targets")

    def of(self, total: float, count: float) -> float:
        return exponential(total / count)
