"""Bits per byte."""

from __future__ import annotations

import math

from seqspec.components.metric._teacher_forced import TeacherForced


class BitsPerByte(TeacherForced):
    """Negative log-likelihood of the references, by the bytes of their UTF-8."""

    name = "bits_per_byte"
    needs = ("nll", "bytes")

    def of(self, total: float, count: float) -> float:
        return total / math.log(2) / count
