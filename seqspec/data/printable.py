"""Text of others, safe to print in a message."""

from __future__ import annotations


def show(text: object) -> str:
    """``text`` with control and invisible characters escaped, safe to print in a message."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(text)
    )
