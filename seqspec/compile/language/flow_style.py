"""Values in YAML's flow style, as messages, plans and differences show them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def flow(value: Any) -> str:
    """``value`` as YAML flow style; nulls inside mappings left out."""
    if isinstance(value, BaseModel):
        return flow(value.model_dump())
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items() if item is not None) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    return str(value) if value != "" else '""'


def _number(value: float) -> str:
    """Shortest text that reads back as the same float; ``1.0e-3`` below a hundredth and above a million."""
    if value == 0 or 1e-2 <= abs(value) < 1e6:
        return repr(value)
    mantissa, _, exponent = f"{value:e}".partition("e")
    short = mantissa.rstrip("0")
    text = f"{short}0e{int(exponent)}" if short.endswith(".") else f"{short}e{int(exponent)}"
    return text if float(text) == value else repr(value)
