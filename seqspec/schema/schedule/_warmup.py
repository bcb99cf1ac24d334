"""Pieces that several schedules share.  Steps count from 1; rates are learning rates."""

from __future__ import annotations


def ramp(step: int, warmup_steps: int) -> float:
    """The share of the peak that a linear warm-up has reached: 1 from ``warmup_steps`` on."""
    return 1.0 if step >= warmup_steps else step / warmup_steps


def power(base: float, exponent: float) -> float:
    """``base ** exponent``, which is real where ``base`` is no less than 0."""
    given: float = base**exponent
    return given


def progress(step: int, start: int, end: int) -> float:
    """How far ``step`` is on the way from ``start`` to ``end``, clamped to [0, 1]."""
    return min(1.0, max(0.0, (step - start) / (end - start)))
