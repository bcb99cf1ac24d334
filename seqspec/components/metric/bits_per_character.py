"""Bits per character."""

from __future__ import annotations

import math

from seqspec.components.metric._teacher_forced import TeacherForced


class BitsPerCharacter(TeacherForced):
    """Negative log-likelihood of the references, by their code points."""

    name = "bits_per_character"
    needs = ("nll", "characters")

    def of(self, total: float, count: float) -> float:
        return total / math.log(2) / count
