"""Digests of a plan: one a part and one of all, over the fields that affect results."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from seqspec.schema.slot import find_marks
from seqspec.schema.units import Affects, Effect, LaterMark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seqspec.compile.plan.shared_part import SharedPart
    from seqspec.schema.experiment import Experiment

_TRAIN = (
    "loss",
    "losses",
    "teachers",
    "optimizer",
    "optimizers",
    "procedure",
    "train",
    "seed",
    "plugins",
    "seqspec",
)
_LATER = ("initialize", "freeze", "adapt")
"""Sections that came later: an experiment without them has the digest that it always had."""
PARTS = ("data", "tokenizer", "model", "train", "evaluate")


def digests(experiment: Experiment, shared: Sequence[SharedPart] = ()) -> dict[str, str]:
    """SHA-256 in hex of every part; ``all`` covers them and the seed.

    ``shared`` is what several tasks share.

    What only the data can tell is not among them, so a spec has one digest before and after its data are
    prepared; the lock holds the data.
    """
    whole = result_fields(experiment)
    parts = _parts(whole) if not experiment.tasks else _parts_of_tasks(whole, shared)
    given = {name: digest(parts[name]) for name in PARTS}
    return {**given, "all": digest(given)}


def _parts(whole: Mapping[str, Any]) -> dict[str, object]:
    data: dict[str, Any] = dict(whole["data"])
    text = data.pop("text")
    return {
        "data": data,
        "tokenizer": text,
        "model": whole["model"],
        "train": _training(whole),
        "evaluate": whole["evaluate"],
    }


def _parts_of_tasks(whole: Mapping[str, Any], shared: Sequence[SharedPart]) -> dict[str, object]:
    """Each part by task; that weights are shared belongs to the model, what a task weighs to the training."""
    tasks: Mapping[str, Any] = whole["tasks"]
    each = {name: _parts(task) for name, task in tasks.items()}
    found: dict[str, Any] = {part: {name: parts[part] for name, parts in each.items()} for part in PARTS}
    found["model"]["shared"] = [[list(one.part), [[task, *at] for task, at in one.places]] for one in shared]
    weights = {name: task["weight"] for name, task in tasks.items()}
    found["train"] = {**_training(whole), "tasks": found["train"], "weights": weights}
    found["evaluate"] = {"tasks": found["evaluate"], "whole": whole["evaluate"]}
    return found


def _training(whole: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: whole[key] for key in _TRAIN if key in whole}
    return found | {key: whole[key] for key in _LATER if whole.get(key)}


def result_fields(model: Any) -> Any:
    """``model`` as plain data, without the fields that only affect speed or looks."""
    if isinstance(model, BaseModel):
        component = getattr(model, "component", ("", ""))[1]
        fields = {
            name: result_fields(getattr(model, name))
            for name, field in type(model).model_fields.items()
            if name in model.__dict__ and affects(field) == "result" and not is_unsaid(model, name, field)
        }
        return {"type": component, **fields, **getattr(model, "retired", {})} if component else fields
    if isinstance(model, list | tuple):
        return [result_fields(item) for item in model]
    if isinstance(model, dict):
        return {key: result_fields(value) for key, value in model.items()}
    return model


def is_unsaid(model: BaseModel, name: str, field: Any) -> bool:
    """Whether a field that came later has its default, so that an old spec means what it meant."""
    if next(find_marks(field.annotation, field.metadata, LaterMark), None) is None:
        return False
    value, default = getattr(model, name), field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) and isinstance(default, str):
        return bool(result_fields(value) == {"type": default})
    return bool(value == default)


def affects(field: Any) -> Effect:
    """``result``, ``speed`` or ``cosmetic``: what a schema field's mark says."""
    mark = next(find_marks(field.annotation, field.metadata, Affects), None)
    if isinstance(mark, Affects):
        return mark.what
    return "result"


def canonical(value: object) -> bytes:
    """Canonical JSON: sorted keys, no spaces, integral floats as integers would be written as floats."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(value: object) -> str:
    """SHA-256 in hex of ``value`` as canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()
