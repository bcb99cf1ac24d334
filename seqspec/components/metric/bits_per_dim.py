"""Bits per dimension of an image."""

from __future__ import annotations

import math

from seqspec.components.metric._teacher_forced import TeacherForced


class BitsPerDim(TeacherForced):
    """Negative log-likelihood of the images, by the dimensions that the loss has taken the mean over."""

    name = "bits_per_dim"
    needs = ("nll", "targets")

    def of(self, total: float, count: float) -> float:
        return total / math.log(2) / count
