"""Trainable parameters by module, counted on the meta device: exact, and no memory is taken.  Loads torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seqspec.compile.cost.repeats import active
from seqspec.compile.language.paths import parse_path
from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.schema.diagnostic import SpecError

ASSUMED = (1_000, 100_000, 10_000_000)
"""What a number that only data can tell counts as until then: the first with which the rest makes sense."""
DEPTH = 3
"""Parts of a parameter's name that a row of the table stands for."""


def count(compiled: Compiled) -> int:
    """All trainable parameters."""
    return sum(sizes(compiled).values())


def sizes(compiled: Compiled) -> Mapping[str, int]:
    """The size of every trainable parameter by its name; a tied one stands once."""
    from seqspec.compile.build.program import build

    told = assumed(compiled)
    return dict(build(told.plan, tree=told.tree, device="meta").parameters())


def assumed(compiled: Compiled) -> Compiled:
    """With a number in place of each unknown: the most that its tokenizer may learn, or an assumption."""
    from seqspec.compile.pipeline import recompile

    unknowns = compiled.plan.unknowns
    for size in ASSUMED if unknowns else ():
        facts = {name: _most(compiled.plan, name) or size for name in unknowns}
        try:
            return recompile(compiled, facts=dict(compiled.plan.facts) | facts)
        except SpecError:
            if size == ASSUMED[-1]:
                raise
    return compiled


def _most(plan: Plan, name: str) -> int | None:
    """The limit that a component sets on what it learns from data; ``None`` where it sets none."""
    config: Any = plan.experiment
    for part in parse_path(name)[:-1]:
        config = config[part] if isinstance(part, int) else getattr(config, str(part), None)
    most = getattr(config, "max_size", None) or getattr(config, "vocab_size", None)
    return most if isinstance(most, int) else None


def parameter_table(compiled: Compiled) -> str:
    """Parameters by module, the total in the last line."""
    found = sizes(compiled)
    rows = list(_rows(found))
    total = sum(size for _, size in rows)
    used = total if compiled.plan.tasks else active(compiled.plan, found)
    rows += [("active", used)] if used != total else []
    width = max((len(name) for name, _ in rows), default=5)
    wide = len(f"{total:,}")
    facts = dict(assumed(compiled).plan.facts)
    lines = [f"{name} counts as {facts[name]:,} until data are prepared" for name in compiled.plan.unknowns]
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
