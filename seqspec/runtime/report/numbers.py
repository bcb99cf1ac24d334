"""Metrics as people read them."""

from __future__ import annotations

PERCENT = ("wer", "cer", "ter", "error", "accuracy")


def is_rate(name: str) -> bool:
    """Whether a metric is a fraction that people read as a percentage."""
    return any(part in name.split("_") for part in PERCENT)


def shown(name: str, value: float) -> str:
    """A metric as people read it; JSON always holds the fraction."""
    return f"{100 * value:.2f} %" if is_rate(name) else f"{value:.4f}"
