"""Metrics as people read them."""

from __future__ import annotations

PERCENT = ("wer", "cer", "ter", "error", "accuracy")


def shown(name: str, value: float) -> str:
    """A metric as people read it; JSON always holds the fraction."""
    if any(part in name.split("_") for part in PERCENT):
        return f"{100 * value:.2f} %"
    return f"{value:.4f}"
