"""The plan: an experiment with every default and every derived number written out.  Frozen, plain, printable,
hashable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from seqspec.compile.plan.digests import digests
from seqspec.compile.plan.shared_part import SharedPart
from seqspec.compile.plan.values import Value, values
from seqspec.schema.config import below
from seqspec.schema.experiment import one_task_only
from seqspec.schema.source import Path, Tree
from seqspec.schema.types import Outputs, Type

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from seqspec.schema.config import Config
    from seqspec.schema.diagnostic import Diagnostic
    from seqspec.schema.experiment import Experiment
    from seqspec.schema.loss._loss import LossConfig


class PlanNode(NamedTuple):
    """One component with the types on its edges."""

    path: Path
    component: tuple[str, str]
    takes: tuple[tuple[str, Type], ...]
    gives: Type
    named: bool = False
    """It takes inputs by name rather than one source."""
    outputs: tuple[tuple[str, Type], ...] = ()
    """What a model gives by name, the main output first; empty where it is no model."""

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
    tasks: Mapping[str, Plan] = field(default_factory=dict)
    """Of several tasks, the plan of each by name: an ordinary plan with an experiment of its own."""
    shared: tuple[SharedPart, ...] = ()
    """Parts that tasks share, each once."""
    task: str = ""
    """The name of the task whose plan this is, where there are several."""

    @property
    def each(self) -> Mapping[str, Plan]:
        """The plans of the tasks; an experiment without tasks is one itself, and has no name."""
        return self.tasks or {"": self}

    def place_in(self, task: str, part: Path) -> Path | None:
        """Where a part of the model stands in the experiment of a task; ``None`` where it is of others."""
        if not self.tasks:
            return part
        if part[:2] == ("tasks", task):
            return part[2:]
        homes = ((*place, *part[len(one.part) :]) for one in self.shared if part[: len(one.part)] == one.part
                 for name, place in one.places if name == task)  # fmt: skip
        return next(homes, None)

    def require_one_task(self) -> None:
        """Raises ``SpecError`` where there are several and one is wanted."""
        if self.experiment.tasks:
            raise one_task_only(self.experiment.tasks)

    def node(self, *path: str | int) -> PlanNode:
        """The node of the component at ``path``."""
        return next(node for node in self.nodes if node.path == path)

    @property
    def tree(self) -> Tree:
        """What was written of it."""
        assert self.provenance is not None
        assert self.provenance.tree is not None
        return self.provenance.tree

    @cached_property
    def parts(self) -> tuple[Path, ...]:
        """The model and every component in it, by place; of several tasks of each, and what they share."""
        return tuple(dict.fromkeys(node.path for node in self.nodes if of_model(node.path)))

    @cached_property
    def outputs(self) -> Outputs:
        """What the model gives, by name."""
        node = self.node("model")
        return Outputs(dict(node.outputs) or {"output": node.gives})

    @cached_property
    def losses(self) -> Mapping[Path, LossConfig]:
        """The loss, or the named losses, by their place in the experiment."""
        named = self.experiment.losses
        if named is not None:
            return {("losses", name): config for name, config in named.items()}
        return {("loss",): self.experiment.loss} if self.experiment.loss is not None else {}

    @cached_property
    def optimizers(self) -> Mapping[Path, Config]:
        """The optimiser, or the named optimisers, by their place in the experiment."""
        named = self.experiment.optimizers
        if named is not None:
            return {("optimizers", name): config for name, config in named.items()}
        return {("optimizer",): self.experiment.optimizer} if self.experiment.optimizer is not None else {}

    def config(self, path: Path) -> Any:
        """The config, or the value, at ``path`` of the experiment."""
        return reduce(below, path, self.experiment)

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """Every leaf of the experiment with its origin, in the language's order."""
        if self.tasks:
            from seqspec.compile.plan.task_plan import values_of_tasks

            return tuple(values_of_tasks(self))
        origin = self.provenance or Provenance(None, {})
        return values(self.experiment, tree=origin.tree, reasons=origin.reasons)

    @property
    def roles(self) -> Mapping[str, Type]:
        """What the corpus gives, by field."""
        source: Any = self.experiment.data.source
        given: Mapping[str, Type] = source.roles()
        return given

    @cached_property
    def data(self) -> dict[str, object]:
        """The canonical experiment as plain data: what is printed, hashed and compared."""
        if self.tasks:
            from seqspec.compile.plan.task_plan import dump_of_tasks

            return dump_of_tasks(self)
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
        return digests(self.experiment, self.shared)


def of_model(path: Path) -> bool:
    """Whether a place is a model, or lies in one."""
    return path[0] in ("model", "shared") or (path[0] == "tasks" and path[2:3] == ("model",))


@dataclass(frozen=True)
class Compiled:
    """A plan with the tree it came from, for those who need to point at where something was written."""

    plan: Plan
    tree: Tree
    warnings: tuple[Diagnostic, ...] = field(default=())
    profiles: tuple[str, ...] = ()
    """Names of the profiles that the spec has; a run's own spec has none left."""
    origin: tuple[FilePath, tuple[Any, ...]] | None = field(default=None, repr=False, compare=False)
    """The file and the overlays that it was compiled from; ``None`` where it was made from something else."""

    @property
    def each(self) -> Mapping[str, Compiled]:
        """Each task, with the tree that is its own spec; what has no tasks is one itself, without a name."""
        if not self.plan.tasks:
            return {"": self}
        return {name: Compiled(plan, plan.tree, (), self.profiles) for name, plan in self.plan.tasks.items()}
