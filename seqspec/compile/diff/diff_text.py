"""How a difference looks: ``text`` for a terminal, ``json`` for programs, ``markdown`` for a pull request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from seqspec.compile.diff.alignment import moved
from seqspec.compile.diff.consequences import Consequence
from seqspec.compile.diff.plan_diff import GROUPS, Change
from seqspec.compile.language.flow_style import flow
from seqspec.schema.source import Path, Tree

Format = Literal["text", "json", "markdown"]
WIDEST = 100
"""Longest value that is shown whole."""


class Difference(NamedTuple):
    """Two specs, what changed between them and what follows."""

    name: str
    """The spec's name inside a folder; empty for two single specs."""
    a: str
    b: str
    changes: tuple[Change, ...]
    consequences: tuple[Consequence, ...]
    places: tuple[tuple[str, str], ...]
    """Where the old and the new value of each change were written; a default or inferred one says so."""
    only: Literal["", "a", "b"] = ""
    """The side that alone has the spec."""
    invalid: tuple[str, ...] = ()
    """What is wrong with the spec on either side, so that it cannot be compared."""

    @property
    def effects(self) -> frozenset[str]:
        """``result``, ``speed``, ``cosmetic`` and the groups that have changes."""
        if self.only or self.invalid:
            return frozenset({"result", *GROUPS})
        groups = {change.group for change in self.changes}
        decided = {"result"} if any(one.decides for one in self.consequences) else set()
        return frozenset({change.affects for change in self.changes} | groups | decided)

    @property
    def empty(self) -> bool:
        """Whether both mean the same."""
        return not (self.changes or self.only or any(one.decides for one in self.consequences))


def place(tree: Tree, path: Path | None, origin: str | None) -> str:
    """``file:line:column`` of the value, or ``default``, ``inferred``."""
    if path is None:
        return ""
    node, depth = tree.nearest(path)
    if depth == len(path):
        return str(node.span)
    return origin or "default"


def render(differences: Sequence[Difference], *, format: Format) -> str:
    """Every difference in one text."""
    match format:
        case "text":
            return "\n".join(_text(item) for item in differences if item.invalid or not item.empty)
        case "json":
            return json.dumps(_report(differences), indent=2, ensure_ascii=False)
        case "markdown":
            return "\n".join(_markdown(item) for item in differences if item.invalid or not item.empty)


def _report(differences: Sequence[Difference]) -> dict[str, Any]:
    return {
        "same": not any("result" in item.effects for item in differences),
        "differences": [_object(item) for item in differences],
    }


def _object(item: Difference) -> dict[str, Any]:
    changes = [
        {"group": c.group, "affects": c.affects, "kind": c.kind, "path": list(c.path), "label": c.label,
         "old": c.old, "new": c.new, "old_place": old, "new_place": new,
         "old_origin": c.old_origin, "new_origin": c.new_origin}
        for c, (old, new) in zip(item.changes, item.places, strict=True)
    ]  # fmt: skip
    follows = [{"name": c.name, "old": c.old, "new": c.new, "unit": c.unit} for c in item.consequences]
    return {
        "name": item.name,
        "a": item.a,
        "b": item.b,
        "only": item.only,
        **({"invalid": list(item.invalid)} if item.invalid else {}),
        "changes": changes,
        "consequences": follows,
    }


def _text(item: Difference) -> str:
    lines = [f"{item.a} → {item.b}"]
    if item.only:
        return f"{lines[0]}\n  only in {item.a if item.only == 'a' else item.b}\n"
    if item.invalid:
        return "\n".join([lines[0], *(f"  cannot be compared: {line}" for line in item.invalid), ""])
    for group, rows in _grouped(item).items():
        lines += ["", group + ("  (the result stays the same)" if group == "cosmetic" else "")]
        width = min(44, max(len(row[0]) for row in rows))
        lines += [f"  {name:{width}}  {values}   {where}".rstrip() for name, values, where in rows]
    follows = _follows(item)
    if follows:
        lines += ["", "what follows"]
        width = max(len(name) for name, _ in follows)
        lines += [f"  {name:{width}}  {pair}" for name, pair in follows]
    return "\n".join(lines) + "\n"


def _markdown(item: Difference) -> str:
    lines = [f"### `{item.a}` → `{item.b}`", ""]
    if item.only:
        return "\n".join([*lines, f"Only in `{item.a if item.only == 'a' else item.b}`.", ""])
    if item.invalid:
        return "\n".join([*lines, *(f"Cannot be compared: {_cell(line)}" for line in item.invalid), ""])
    for group, rows in _grouped(item).items():
        lines += [f"**{group}**", "", "| setting | change | written at |", "|---|---|---|"]
        lines += [f"| `{_cell(name)}` | {_cell(values)} | {_cell(where)} |" for name, values, where in rows]
        lines.append("")
    follows = _follows(item)
    if follows:
        lines += ["**what follows**", "", "| quantity | change |", "|---|---|"]
        lines += [f"| {_cell(name)} | {_cell(pair)} |" for name, pair in follows]
        lines.append("")
    return "\n".join(lines)


def _follows(item: Difference) -> list[tuple[str, str]]:
    """Derived quantities: numbers inferred on both sides, then what was computed from the plans."""
    inferred = [(change.label, _values(change)) for change in item.changes if change.derived]
    return inferred + [(c.name, _pair(c)) for c in item.consequences]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _grouped(item: Difference) -> dict[str, list[tuple[str, str, str]]]:
    """Rows of name, values and places under each heading; defaults of a new type only as a count."""
    rows: dict[str, list[tuple[str, str, str]]] = {}
    hidden: dict[str, int] = {}
    for change, (old, new) in zip(item.changes, item.places, strict=True):
        if change.derived or (change.kind == "arranged" and not moved(change.picks)):
            continue
        if change.retyped and "written" not in (change.old_origin, change.new_origin):
            hidden[change.group] = hidden.get(change.group, 0) + 1
            continue
        where = " → ".join(dict.fromkeys(part for part in (old, new) if part))
        rows.setdefault(change.group, []).append((change.label, _values(change), where))
    for group, count in hidden.items():
        rows.setdefault(group, []).append(
            (f"… and {count} default{'s' * (count > 1)} of the changed types", "", "")
        )
    return {group: rows[group] for group in GROUPS if group in rows}


def _values(change: Change) -> str:
    match change.kind:
        case "added":
            return f"added {show(change.new)}"
        case "removed":
            return f"removed {show(change.old)}"
        case "arranged":
            return "order changed"
    return f"{show(change.old)} → {show(change.new)}"


def _pair(item: Consequence) -> str:
    unit = f" {item.unit}" if item.unit else ""
    if item.name == "parameters" and isinstance(item.old, int) and isinstance(item.new, int):
        return f"{item.old:,} → {item.new:,} ({item.new - item.old:+,})"
    old, new = (_quantity(value) for value in (item.old, item.new))
    return f"{old} → {new}{unit}"


def _quantity(value: float | str | None) -> str:
    if isinstance(value, int | float) and value == int(value):
        return f"{int(value):,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def show(value: Any) -> str:
    """A value in the language's flow style, cut where it is long."""
    text = flow(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
