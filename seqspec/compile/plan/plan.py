"""The plan: an experiment with every default and every derived number written out.  Frozen, plain, printable,
hashable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from seqspec.compile.plan.digests import digests
from seqspec.compile.plan.values import Value, values
from seqspec.schema.source import Path, Tree
from seqspec.schema.types import Type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seqspec.compile.diff.plan_diff import Change
    from seqspec.schema.diagnostic import Diagnostic
    from seqspec.schema.experiment import Experiment


class PlanNode(NamedTuple):
    """One component with the types on its edges."""

    path: Path
    component: tuple[str, str]
    takes: tuple[tuple[str, Type], ...]
    gives: Type
    named: bool = False
    """It takes inputs by name rather than one source."""

    @property
    def source(self) -> Type | dict[str, Type]:
        """What it takes, as its ``output`` or ``wire`` was handed it."""
        return dict(self.takes) if self.named else self.takes[0][1]


class Provenance(NamedTuple):
    """Where the values of a plan come from."""

    tree: Tree | None
    reasons: Mapping[Path, str]
    """Why each inferred value is what it is."""


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run, on any machine."""

    experiment: Experiment
    """The typed experiment with inferred fields filled in."""
    nodes: tuple[PlanNode, ...]
    provenance: Provenance | None = field(default=None, repr=False, compare=False)
    """What was written and why the rest follows; ``values`` is worked out from it when somebody asks."""
    facts: tuple[tuple[str, int], ...] = ()
    """Numbers that prepared data told."""

    def node(self, *path: str | int) -> PlanNode:
        """The node of the component at ``path``."""
        return next(node for node in self.nodes if node.path == path)

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """Every leaf of the experiment with its origin, in the language's order."""
        origin = self.provenance or Provenance(None, {})
        return values(self.experiment, tree=origin.tree, reasons=origin.reasons)

    @cached_property
    def data(self) -> dict[str, object]:
        """The canonical experiment as plain data: what is printed, hashed and compared."""
        return self.experiment.model_dump(mode="json")

    @cached_property
    def unknowns(self) -> tuple[str, ...]:
        """Names of the numbers that the data have yet to tell."""
        types = (type_ for node in self.nodes for type_ in (*(t for _, t in node.takes), node.gives))
        return tuple(dict.fromkeys(unknown.name for type_ in types for unknown in type_.unknowns()))

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each part over the fields that affect results: ``data tokenizer model train evaluate``
        and ``all``.
        """
        return digests(self.experiment)


@dataclass(frozen=True)
class Compiled:
    """A plan with the tree it came from, for those who need to point at where something was written."""

    plan: Plan
    tree: Tree
    warnings: tuple[Diagnostic, ...] = field(default=())

    def diff(self, other: Compiled) -> tuple[Change, ...]:
        """The edits that turn this plan into that of ``other``, in the order of the language's keys."""
        from seqspec.compile.diff.plan_diff import diff

        return diff(self.plan, other.plan)
