"""What losses that compare with a teacher share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.loss._loss import LossConfig


class TaughtLossConfig(LossConfig):
    """Compares an output of the model with the same output of a teacher, on the same batch.  Training alone
    has it: evaluation asks no teacher.
    """

    teacher: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
    """Name of the teacher, one of ``teachers``."""
