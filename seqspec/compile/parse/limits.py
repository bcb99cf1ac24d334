"""How much of a spec is read before it is refused.  Real specs stay a hundred times below each of these."""

MOST_BYTES = 1 << 20
MOST_TOML_BYTES = 1 << 18
MOST_DEPTH = 64
MOST_NODES = 20_000
"""Keys, values, and beginnings and ends of collections."""
MOST_SCALAR = 1 << 16
MOST_KEY = 256
MOST_DOTS = 64
"""Dots in one TOML key or table name."""
MOST_EXTENDS = 8
"""Files in one chain of ``extends``."""
