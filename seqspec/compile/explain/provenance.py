"""``seqspec explain SPEC PATH``: where one value comes from, step by step, and what it means."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from seqspec.compile.diff.plan_diff import effect_at
from seqspec.compile.language.field_docs import field_docs
from seqspec.compile.language.flow_style import flow
from seqspec.compile.language.paths import NoSuchPath
from seqspec.compile.plan.plan import Compiled, PlanNode
from seqspec.compile.reference.component_page import field_summary
from seqspec.schema.config import Config
from seqspec.schema.experiment import OWN
from seqspec.schema.source import Node, Path, dotted


def provenance(compiled: Compiled, *, path: Path) -> str:
    """The value at ``path``, the places that said something about it, newest first, its field's sentence."""
    if path[0] == "tasks" and path[1:2] and path[1] in compiled.plan.tasks and path[2:3] and path[2] in OWN:
        # The task's own spec knows what stands at the top, and where a part that is used was written.
        own = provenance(compiled.each[str(path[1])], path=path[2:])
        return f"{dotted(path[:2])}.{own}"
    value, holder = _lookup(compiled.plan.experiment, path)
    lines = [f"{dotted(path)} = {flow(_plain(value))}", *_steps(compiled, path)]
    node = next((node for node in compiled.plan.nodes if node.path == path), None)
    if node is not None:
        lines += _edges(node)
    if holder is not None and isinstance(path[-1], str):
        cls, name = type(holder), path[-1]
        lines += ["", f"{name}: {field_summary(cls, name)}", *filter(None, [field_docs(cls)[name]])]
        effect = effect_at(compiled.plan.experiment, path)
        note = "enters the digest" if effect == "result" else f"affects {effect} only, outside the digest"
        lines += [f"({note})"]
    return "\n".join(lines) + "\n"


def _lookup(model: Any, path: Path) -> tuple[Any, BaseModel | None]:
    """The value at ``path`` and the config that has it as a field."""
    value, holder = model, None
    for depth, part in enumerate(path):
        keys = _keys(value)
        if part not in keys:
            place = f"`{dotted(path[:depth])}`" if depth else "an experiment"
            offered = ", ".join(str(key) for key in keys) or "nothing below it"
            raise NoSuchPath(f"{place} has no `{part}`; it has {offered}")
        if isinstance(value, Config) and part == "type":
            return value.component[1], None
        holder = value if isinstance(value, BaseModel) else None
        value = getattr(value, str(part)) if holder is not None else value[part]
    return value, holder


def _keys(value: Any) -> list[str | int]:
    if isinstance(value, BaseModel):
        typed = ["type"] if getattr(value, "component", ("", ""))[1] else []
        return [*typed, *type(value).model_fields]
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list | tuple) else []


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        name = getattr(value, "component", ("", ""))[1]
        fields = {key: _plain(getattr(value, key)) for key in type(value).model_fields}
        return {"type": name, **fields} if name else fields
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _steps(compiled: Compiled, path: Path) -> list[str]:
    found, depth = compiled.tree.nearest(path)
    if depth < len(path):
        value = next((value for value in compiled.plan.values if value.path == path), None)
        origin = "inferred: " + value.reason if value is not None and value.reason else "the default"
        return [f"  {origin}", f"  nothing was written; the nearest place is {found.span}"]
    lines: list[str] = []
    node: Node | None = found
    while node is not None:
        lines.append(f"  {'replaces ' if lines else ''}{flow(node.data())}  at {node.span}")
        lines += [f"    through {span.text} at {span}" for span in node.via]
        node = node.replaced
    return lines


def _edges(node: PlanNode) -> list[str]:
    takes = [f"  takes {name}: {type_}" for name, type_ in node.takes]
    return ["", *takes, f"  gives {node.gives}"]
