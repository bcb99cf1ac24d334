"""Build: a plan becomes a program.  The first stage that loads torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from seqspec.compile.build.construct import Constructor
from seqspec.compile.diagnostics.report import locate
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Diagnostic, Finding, SpecError
from seqspec.schema.source import Path, Tree

INITIALISATION = 0x1417
"""Stream number of the random numbers that initial weights come from."""


@dataclass(frozen=True)
class Program:
    """What a plan compiles to: everything that learns and judges, none of the data."""

    plan: Plan
    model: nn.Module
    criterion: Any
    optimizer: Any
    """The optimizer component; ``build(named_parameters)`` makes torch's."""
    search: Any
    """``None`` where nothing is decoded."""
    metrics: tuple[Any, ...]
    components: Mapping[Path, Any]
    """Every component that was built, by its place in the experiment."""
    language_model: Any = None
    """What the search reads beside the model, once ``runtime/assembly/shallow_fusion.py`` has loaded it."""

    def parameters(self) -> Iterator[tuple[str, int]]:
        """Each trainable parameter's name and size; a tied weight stands once, under its first name."""
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                yield name, parameter.numel()

    @property
    def num_parameters(self) -> int:
        """Trainable parameters."""
        return sum(size for _, size in self.parameters())


def build(plan: Plan, *, tree: Tree, device: Literal["cpu", "meta"] = "cpu") -> Program:
    """Build every component of the model and of its judgement.

    Initial weights come from the plan's seed alone; on ``meta`` no memory is taken.  Raises ``SpecError``
    where a number is still unknown, or where a written key was never read.
    """
    _require_known(plan)
    constructor = Constructor(plan)
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(plan.experiment.seed * 65_537 + INITIALISATION)
        model = constructor.build("model")
        criterion = constructor.build("loss")
    optimizer = constructor.build("optimizer")
    _refuse(constructor.unread(), tree)
    search = constructor.build("evaluate", "search") if constructor.has("evaluate", "search") else None
    count = len(plan.experiment.evaluate.metrics)
    metrics = tuple(constructor.build("evaluate", "metrics", index) for index in range(count))
    return Program(plan, model, criterion, optimizer, search, metrics, constructor.built)


def _require_known(plan: Plan) -> None:
    if plan.unknowns:
        names = ", ".join(f"`{name}`" for name in plan.unknowns)
        message = f"only the data can tell {names}, and they have not been prepared"
        raise SpecError([Diagnostic("SQ410", message, help="run `seqspec data prepare` on this spec first")])


def _refuse(findings: Iterator[Finding], tree: Tree) -> None:
    found = [locate(finding, tree) for finding in findings]
    if found:
        raise SpecError(found)
