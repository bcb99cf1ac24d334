"""How much of a spec is read before it is refused.  Real specs stay a hundred times below each of these."""

MOST_BYTES = 1 << 20
MOST_TOML_BYTES = 1 << 18
MOST_DEPTH = 64
MOST_NODES = 20_000
"""Keys, values, and beginnings and ends of collections."""
MOST_ENTRIES = 1_000
"""Keys of one mapping, or entries of one list."""
MOST_PROFILES = 100
MOST_TASKS = 100
MOST_EXPANDED = 50_000
"""Keys and values of all tasks together, once every ``use`` is replaced by the part that it names."""
MOST_SCALAR = 1 << 16
MOST_KEY = 256
MOST_DOTS = 64
"""Dots in one TOML key or table name."""
MOST_EXTENDS = 8
"""Files in one chain of ``extends``."""
MOST_BASES = 64
"""Files that one spec builds on; a base that two bases name counts twice."""
MOST_BASE_BYTES = MOST_BYTES
"""Bytes of all these files together."""
MOST_ADVISED = 100
"""Unknown keys of one spec for which it is looked up what was meant."""
MOST_TOLD = 1_000
"""Values of one spec that do not fit the schema and are told of at once."""
