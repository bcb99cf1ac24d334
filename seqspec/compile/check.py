"""Checks across components: one rule a file under ``checks/``, found by folder listing.

A rule's module holds ``CODE``, ``check(plan) -> Iterator[Finding]`` and a docstring that is its page.  With
``OVERLAID = "warning"`` it is lenient where an overlay brought the mistake about: a profile that shortens a
run may leave a warm-up behind.  A run's own spec has no overlays any more: what was granted stands there
under ``lenient``, with the values that it was granted for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path as File
from types import ModuleType

from seqspec.compile.diagnostics.report import in_order, in_whole, locate
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Diagnostic, Finding
from seqspec.schema.source import Path, Tree, dotted

Rule = Callable[[Plan], Iterator[Finding]]


def check(plan: Plan, tree: Tree) -> tuple[Diagnostic, ...]:
    """Everything that the rules find, in the order of the rules' names; of several tasks each once."""
    if not plan.tasks:
        return tuple(locate(finding, tree) for finding in findings(plan, tree))
    found = [in_whole(d, name, tree) for name, one in plan.tasks.items() for d in check(one, one.tree)]
    found += [locate(finding, tree) for finding in findings(plan, tree)]
    return tuple(in_order(found))


def findings(plan: Plan, tree: Tree) -> Iterator[Finding]:
    """What the rules find, each finding with the code of its rule.

    A rule with ``WHOLE`` looks at the places of parts, which several tasks have in common; any other looks
    at one experiment, which is that of a task where there are several.
    """
    granted = [one.model_dump() for one in plan.experiment.lenient or ()]
    used = []
    for module in _rules_of(plan):
        rule: Rule = module.check
        for finding in rule(plan):
            leniency = _leniency(finding, module, tree)
            lenient = hasattr(module, "OVERLAID") and (_overlaid(finding, tree) or leniency in granted)
            used += [leniency] if lenient else []
            severity = module.OVERLAID if lenient else finding.severity
            yield finding._replace(code=finding.code or module.CODE, severity=severity)
    for index, one in enumerate(granted if not plan.tasks else ()):
        if one not in used:
            yield _idle(("lenient", index), one["code"])


def written_out(plan: Plan, tree: Tree) -> dict[str, object]:
    """The spec as plain data that means the same without the overlays it came from: what the rules were
    lenient about is written down.
    """
    needed = [
        _leniency(finding, module, one.tree if plan.tasks else tree)
        for one in plan.each.values()
        for module in _rules_of(one)
        if hasattr(module, "OVERLAID")
        for finding in module.check(one)
    ]
    needed = [one for at, one in enumerate(needed) if one not in needed[:at]]
    data = tree.data()
    assert isinstance(data, dict)
    kept = {key: value for key, value in data.items() if key != "lenient"}
    return {**kept, "lenient": needed} if needed else kept


def _leniency(finding: Finding, module: ModuleType, tree: Tree) -> dict[str, object]:
    """What would be granted for a finding: its code, and the settings that it is about."""
    nodes = {path: tree.at(path) for path in _places(finding)}
    where = {dotted(path): node.data() for path, node in nodes.items() if node is not None}
    return {"code": finding.code or module.CODE, "where": where}


def _idle(at: Path, code: str) -> Finding:
    return Finding(
        at,
        f"nothing breaks `{code}` with these values, so there is nothing to be lenient about",
        help="take the entry out",
        severity="warning",
        code="SQ028",
    )


def _places(finding: Finding) -> tuple[Path, ...]:
    return (finding.at, *(path for path, _ in finding.also))


def _overlaid(finding: Finding, tree: Tree) -> bool:
    """Whether a place of the finding was written over by another file, a profile or the command line."""
    nodes = (tree.at(path) for path in _places(finding))
    return any(node is not None and node.replaced is not None for node in nodes)


def _rules_of(plan: Plan) -> Iterator[ModuleType]:
    """The rules that look at this plan: all, or of several tasks those of the whole and those of each."""
    for module in rules():
        whole = hasattr(module, "WHOLE")
        if whole if plan.tasks else not (whole and plan.task):
            yield module


@cache
def rules() -> tuple[ModuleType, ...]:
    """The modules under ``checks/``, sorted by name."""
    folder = File(__file__).with_name("checks")
    names = sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
    return tuple(importlib.import_module(f"seqspec.compile.checks.{name}") for name in names)
