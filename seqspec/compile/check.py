"""Checks across components: one rule a file under ``checks/``, found by folder listing.

A rule's module holds ``CODE``, ``check(plan) -> Iterator[Finding]`` and a docstring that is its page.  With
``OVERLAID = "warning"`` it is lenient where an overlay brought the mistake about: a profile that shortens a
run may leave a warm-up behind.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from seqspec.compile.diagnostics.report import locate
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Diagnostic, Finding
from seqspec.schema.source import Tree

Rule = Callable[[Plan], Iterator[Finding]]


def check(plan: Plan, tree: Tree) -> tuple[Diagnostic, ...]:
    """Everything that the rules find, in the order of the rules' names."""
    return tuple(locate(finding, tree) for finding in findings(plan, tree))


def findings(plan: Plan, tree: Tree) -> Iterator[Finding]:
    """What the rules find, each finding with the code of its rule."""
    for module in rules():
        rule: Rule = module.check
        for finding in rule(plan):
            lenient = hasattr(module, "OVERLAID") and _overlaid(finding, tree)
            severity = module.OVERLAID if lenient else finding.severity
            yield finding._replace(code=finding.code or module.CODE, severity=severity)


def _overlaid(finding: Finding, tree: Tree) -> bool:
    """Whether a place of the finding was written over by another file, a profile or the command line."""
    nodes = (tree.at(path) for path in (finding.at, *(path for path, _ in finding.also)))
    return any(node is not None and node.replaced is not None for node in nodes)


@cache
def rules() -> tuple[ModuleType, ...]:
    """The modules under ``checks/``, sorted by name."""
    folder = Path(__file__).with_name("checks")
    names = sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
    return tuple(importlib.import_module(f"seqspec.compile.checks.{name}") for name in names)


def rule_name(module: ModuleType) -> str:
    """``heads_divide_dim`` as ``heads-divide-dim``: the name beside the code in a diagnostic."""
    return module.__name__.rpartition(".")[2].replace("_", "-")
