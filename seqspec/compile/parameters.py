"""Trainable parameters by module, counted on the meta device: exact, and no memory is taken.  Loads torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqspec.compile.plan import Compiled

ASSUMED = 1000
"""What a number that only data can tell, such as a learned vocabulary, is counted as until then."""
DEPTH = 3
"""Parts of a parameter's name that a row of the table stands for."""


def count(compiled: Compiled) -> int:
    """All trainable parameters."""
    return sum(sizes(compiled).values())


def sizes(compiled: Compiled) -> Mapping[str, int]:
    """The size of every trainable parameter by its name; a tied one stands once."""
    from seqspec.compile import recompile
    from seqspec.compile.build import build

    if compiled.plan.unknowns:
        told = dict(compiled.plan.facts)
        compiled = recompile(compiled, facts=told | dict.fromkeys(compiled.plan.unknowns, ASSUMED))
    return dict(build(compiled.plan, tree=compiled.tree, device="meta").parameters())


def parameter_table(compiled: Compiled) -> str:
    """Parameters by module, the total in the last line."""
    rows = list(_rows(sizes(compiled)))
    total = sum(size for _, size in rows)
    width = max((len(name) for name, _ in rows), default=5)
    wide = len(f"{total:,}")
    lines = [f"{name} counts as {ASSUMED:,} until data are prepared" for name in compiled.plan.unknowns]
    lines += [f"{name:{width}}  {size:>{wide},}" for name, size in rows]
    return "\n".join([*lines, f"{'total':{width}}  {total:>{wide},}"]) + "\n"


def _rows(found: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Sums over modules, in the order of the model."""
    sums: dict[str, int] = {}
    for name, size in found.items():
        parts = name.split(".")
        module = ".".join(parts[:DEPTH] if len(parts) > DEPTH else parts[:-1] or parts)
        sums[module] = sums.get(module, 0) + size
    yield from sums.items()
