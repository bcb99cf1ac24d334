"""The parts of a plan that come from folders in Hugging Face's layout, beside those folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from seqspec.compile.plan.plan import Plan, PlanNode
from seqspec.data.pretrained.hf_folder import named_here, open_folder
from seqspec.data.pretrained.layout_match import Comparison, compare
from seqspec.schema.diagnostic import DataError
from seqspec.schema.pretrained import Pretrained
from seqspec.schema.source import dotted


class Comparing(NamedTuple):
    """A part of the plan that comes from a folder, beside that folder."""

    node: PlanNode
    config: Pretrained
    found: Comparison
    preprocessor: Mapping[str, Any]


def folder_parts(plan: Plan) -> tuple[tuple[PlanNode, Pretrained], ...]:
    """Parts whose weights come from a folder."""
    pairs = ((node, plan.config(node.path)) for node in plan.nodes if node.path[:1] == ("model",))
    return tuple((node, c) for node, c in pairs if isinstance(c, Pretrained) and c.folder is not None)


def comparisons(plan: Plan) -> Iterator[Comparing]:
    """Each of them beside its folder, where that is on this machine and whole; inference has told what is
    not.
    """
    for node, config in folder_parts(plan):
        assert config.folder is not None
        if not named_here(config.folder):
            continue
        try:
            folder = open_folder(config.folder).as_folder()
        except DataError:
            continue
        if _told_otherwise(config, folder.settings):
            continue
        layout = config.layout(dict(node.takes))
        found = compare(layout, folder.tensors, fresh=fresh_below(plan, node))
        yield Comparing(node, config, found, folder.preprocessor)


def _told_otherwise(config: Pretrained, settings: Mapping[str, Any]) -> bool:
    """Whether a part that is handed this folder is read from others: inference has said so, and that its
    tensors are others follows.
    """
    handed = (getattr(config, name) for name in type(config).model_fields)
    parts = (part for part in handed if isinstance(part, Pretrained) and part.folder in (None, config.folder))
    return any(part.model_types and settings.get("model_type") not in part.model_types for part in parts)


def left_over(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Tensors that no part of the plan takes, by the folder as the spec names it."""
    found: dict[str, set[str]] = {}
    taken: dict[str, set[str]] = {}
    for one in comparisons(plan):
        name = str(one.config.folder)
        found.setdefault(name, set()).update(one.found.left_over)
        taken.setdefault(name, set()).update(one.found.names.values())
    return {name: tuple(sorted(names - taken[name])) for name, names in found.items()}


def fresh_below(plan: Plan, node: PlanNode) -> tuple[str, ...]:
    """What the tensors of ``node`` that begin at random are called at the beginning."""
    at = dotted(node.path)
    named = [name for _, config in folder_parts(plan) for name in config.fresh]
    return tuple(
        "" if name == at else f"{name.removeprefix(at + '.')}." for name in named if _within(name, at)
    )


def _within(name: str, at: str) -> bool:
    return name == at or name.startswith(f"{at}.")
