"""What two plans mean differently: a list of typed edits, never of typing.

Plans hold every default and every derived number, so spelling out a default or reordering keys is no
change.  ``diff(a, a)`` is empty and ``apply(diff(a, b), a)`` is ``b``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from seqspec.compile.diff.alignment import align, is_aligned
from seqspec.compile.plan.digests import affects
from seqspec.compile.plan.plan import Plan
from seqspec.compile.plan.values import Origin
from seqspec.schema.source import Path
from seqspec.schema.units import Effect

Group = Literal["data", "tokenizer", "model", "training", "evaluation", "cosmetic"]
_Origins = Mapping[Path, Origin]
GROUPS: tuple[Group, ...] = ("data", "tokenizer", "model", "training", "evaluation", "cosmetic")
Kind = Literal["changed", "added", "removed", "arranged"]


class Change(NamedTuple):
    """One edit.  ``path`` leads to the new value, or to the old one where it was removed."""

    kind: Kind
    path: Path
    old: Any = None
    new: Any = None
    old_path: Path | None = None
    """Where the old value stood; ``None`` where there was none."""
    group: Group = "cosmetic"
    affects: Effect = "result"
    label: str = ""
    """``path`` as a person reads it: items of lists by their type."""
    old_origin: Origin | None = None
    new_origin: Origin | None = None
    retyped: bool = False
    """The change lies below a component whose type changed."""

    @property
    def derived(self) -> bool:
        """Both values were inferred: the change follows from others."""
        return self.old_origin == self.new_origin == "inferred"

    @property
    def new_path(self) -> Path | None:
        """Where the new value stands; ``None`` where there is none."""
        return None if self.kind == "removed" else self.path

    @property
    def picks(self) -> tuple[int | None, ...]:
        """For ``arranged``: the old index of every new item, ``None`` for an added one."""
        return tuple(self.new)


def diff(a: Plan, b: Plan) -> tuple[Change, ...]:
    """The edits that turn ``a`` into ``b``, in the order of the language's keys."""
    origins_a = {value.path: value.origin for value in a.values}
    origins_b = {value.path: value.origin for value in b.values}
    return tuple(
        _named(change, a=a.experiment, b=b.experiment, origins=(origins_a, origins_b))
        for change in compare(a.data, b.data)
    )


def compare(old: Any, new: Any) -> tuple[Change, ...]:
    """The edits between two plain values."""
    return tuple(_compare(old, new, (), (), False))


def apply(changes: tuple[Change, ...], data: Any) -> Any:
    """``data`` after the edits; ``data`` itself stays as it is."""
    root = [_copy(data)]
    for change in changes:
        parent: Any = root[0]
        for part in change.path[:-1]:
            parent = parent[part]
        holder: Any = parent if change.path else root
        last: Any = change.path[-1] if change.path else 0
        match change.kind:
            case "changed" | "added":
                holder[last] = _copy(change.new)
            case "arranged":
                items = holder[last]
                holder[last] = [None if pick is None else items[pick] for pick in change.picks]
            case "removed" if isinstance(holder, dict):
                del holder[last]
    return root[0]


def _compare(old: Any, new: Any, path: Path, old_path: Path, retyped: bool) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_maps(old, new, path, old_path, retyped)
    elif isinstance(old, list) and isinstance(new, list) and is_aligned(old) and is_aligned(new):
        yield from _compare_lists(old, new, path, old_path, retyped)
    elif not _same(old, new):
        yield Change("changed", path, old, new, old_path, retyped=retyped)


def _compare_maps(
    old: dict[str, Any], new: dict[str, Any], path: Path, old_path: Path, retyped: bool
) -> Iterator[Change]:
    below = retyped or ("type" in old and "type" in new and old["type"] != new["type"])
    for key in [*new, *(key for key in old if key not in new)]:
        here, there = (*path, key), (*old_path, key)
        inner = below and not (key == "type" and not retyped)
        if key not in old:
            yield Change("added", here, None, new[key], None, retyped=inner)
        elif key not in new:
            yield Change("removed", here, old[key], None, there, retyped=inner)
        else:
            yield from _compare(old[key], new[key], here, there, inner)


def _compare_lists(
    old: list[Any], new: list[Any], path: Path, old_path: Path, retyped: bool
) -> Iterator[Change]:
    picks = align(old, new)
    kept = [pick for pick in picks if pick is not None]
    gone = [index for index in range(len(old)) if index not in kept]
    for index in gone:
        there = (*old_path, index)
        yield Change("removed", (*path, index), old[index], None, there, retyped=retyped)
    if picks != list(range(len(old))):
        yield Change("arranged", path, list(range(len(old))), picks, old_path, retyped=retyped)
    for index, pick in enumerate(picks):
        if pick is None:
            yield Change("added", (*path, index), None, new[index], None, retyped=retyped)
        else:
            yield from _compare(old[pick], new[index], (*path, index), (*old_path, pick), retyped)


def _same(old: Any, new: Any) -> bool:
    """Equal as JSON: ``1`` and ``True`` differ, and so do ``1`` and ``1.0`` only where a field takes both."""
    if isinstance(old, bool) is not isinstance(new, bool):
        return False
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    return bool(old == new)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _named(
    change: Change,
    *,
    a: BaseModel,
    b: BaseModel,
    origins: tuple[_Origins, _Origins],
) -> Change:
    model, path = (a, change.old_path or ()) if change.kind == "removed" else (b, change.path)
    effect = effect_at(model, path)
    return change._replace(
        affects=effect,
        group=group_of(path) if effect == "result" else "cosmetic",
        label=label(model, path),
        old_origin=_origin(origins[0], change.old_path) if change.old_path is not None else None,
        new_origin=_origin(origins[1], change.path) if change.kind != "removed" else None,
    )


def _origin(origins: _Origins, path: Path) -> Origin | None:
    """Where a value comes from; a list of mappings is written where anything in it is."""
    if path in origins:
        return origins[path]
    inside = (origin for place, origin in origins.items() if place[: len(path)] == path)
    return "written" if "written" in inside else None


def group_of(path: Path) -> Group:
    """The heading that a path stands under."""
    match path[:2]:
        case ("data", "text"):
            return "tokenizer"
        case ("data", *_):
            return "data"
        case ("model", *_):
            return "model"
        case ("evaluate", *_):
            return "evaluation"
        case ("shared", *_):
            return "model"
        case ("tasks", _) if len(path) > 2:
            return group_of(path[2:])
        case ("name" | "description", *_):
            return "cosmetic"
    return "training"


def effect_at(model: Any, path: Path) -> Effect:
    """What the field at ``path``, or the first marked one on the way to it, can change."""
    if path and path[0] == "name":
        return "cosmetic"
    for part in path:
        if isinstance(model, BaseModel) and isinstance(part, str):
            field = type(model).model_fields.get(part)
            if field is None:
                return "result"
            effect = affects(field)
            if effect != "result":
                return effect
        model = _below(model, part)
    return "result"


def label(model: Any, path: Path) -> str:
    """``("evaluate", "metrics", 0, "tokenize")`` as ``evaluate.metrics[bleu].tokenize``."""
    text = ""
    for part in path:
        model = _below(model, part)
        if isinstance(part, int):
            name = getattr(model, "component", ("", ""))[1]
            text += f"[{name or part}]"
        else:
            text += f".{part}" if text else part
    return text


def _below(model: Any, part: str | int) -> Any:
    if isinstance(model, BaseModel) and isinstance(part, str):
        return getattr(model, part, None)
    if isinstance(model, dict):
        return model.get(part)
    return model[part] if isinstance(model, list) and isinstance(part, int) and part < len(model) else None
