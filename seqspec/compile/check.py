"""Checks across components: one rule a file under ``checks/``, found by folder listing.

A rule's module holds ``CODE``, ``check(plan) -> Iterator[Finding]`` and a docstring that is its page.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

from seqspec.compile.plan import Plan
from seqspec.compile.report import locate
from seqspec.schema.diagnostic import Diagnostic, Finding
from seqspec.schema.source import Tree

Rule = Callable[[Plan], Iterator[Finding]]


def check(plan: Plan, tree: Tree) -> tuple[Diagnostic, ...]:
    """Everything that the rules find, in the order of the rules' names."""
    return tuple(locate(finding, tree) for finding in findings(plan))


def findings(plan: Plan) -> Iterator[Finding]:
    """What the rules find, each finding with the code of its rule."""
    for module in rules():
        rule: Rule = module.check
        for finding in rule(plan):
            yield replace(finding, code=finding.code or module.CODE)


@cache
def rules() -> tuple[ModuleType, ...]:
    """The modules under ``checks/``, sorted by name."""
    folder = Path(__file__).with_name("checks")
    names = sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
    return tuple(importlib.import_module(f"seqspec.compile.checks.{name}") for name in names)


def rule_name(module: ModuleType) -> str:
    """``heads_divide_dim`` as ``heads-divide-dim``: the name beside the code in a diagnostic."""
    return module.__name__.rpartition(".")[2].replace("_", "-")
