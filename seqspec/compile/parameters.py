"""Trainable parameters by module, counted on the meta device: exact, and no memory is taken.  Loads torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqspec.compile.plan import Compiled

DEPTH = 3
"""Parts of a parameter's name that a row of the table stands for."""


def count(compiled: Compiled) -> int:
    """All trainable parameters; raises ``SpecError`` where a number is still unknown."""
    return sum(sizes(compiled).values())


def sizes(compiled: Compiled) -> Mapping[str, int]:
    """The size of every trainable parameter by its name; a tied one stands once."""
    from seqspec.compile.build import build

    return dict(build(compiled.plan, tree=compiled.tree, device="meta").parameters())


def parameter_table(compiled: Compiled) -> str:
    """Parameters by module, the total in the last line."""
    rows = list(_rows(sizes(compiled)))
    total = sum(size for _, size in rows)
    width = max((len(name) for name, _ in rows), default=5)
    wide = max(len(f"{total:,}"), 1)
    lines = [f"{name:{width}}  {size:>{wide},}" for name, size in rows]
    return "\n".join([*lines, f"{'total':{width}}  {total:>{wide},}"]) + "\n"


def _rows(found: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Sums over modules, in the order of the model."""
    sums: dict[str, int] = {}
    for name, size in found.items():
        module = (
            ".".join(name.split(".")[:DEPTH]) if name.count(".") >= DEPTH else name.rpartition(".")[0] or name
        )
        sums[module] = sums.get(module, 0) + size
    yield from sums.items()
