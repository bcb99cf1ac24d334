"""The shapes of a run's JSON files, as far as anything reads them: a stranger's files are held to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Each:
    """A mapping from any name to values of one shape."""

    of: Shape


@dataclass(frozen=True)
class Items:
    """A list of values of one shape."""

    of: Shape


@dataclass(frozen=True)
class Keys:
    """A mapping whose keys mean something; ``needed`` must be there, and other keys may be."""

    of: Mapping[str, Shape]
    needed: tuple[str, ...] = ()


Shape = tuple[type, ...] | Each | Items | Keys

TEXT, WHOLE, NUMBER = (str,), (int,), (int, float)
_RATES = Each(Each(NUMBER))
_TASK = Keys({"turns": WHOLE, "examples": WHOLE, "weight": NUMBER}, ("turns", "examples", "weight"))
_PART = Keys({"part": TEXT, "parameters": WHOLE, "tasks": Items(TEXT)}, ("part", "parameters", "tasks"))

_LINE = Keys(
    {
        "event": TEXT,
        "step": WHOLE,
        "split": TEXT,
        "task": TEXT,
        "metrics": Each(NUMBER),
        "loss": NUMBER,
        "rate": NUMBER,
        "norm": NUMBER,
        "baselines": _RATES,
        "parts": _RATES,
    },
    needed=("event", "step"),
)
EVALUATED = Keys({}, needed=("split", "metrics"))
"""What a line of an evaluation has beside."""
SHAPES: dict[str, Shape] = {
    "metrics.jsonl": _LINE,
    "speed.jsonl": Keys({"step": WHOLE}, needed=("step",)),
    "lock.json": Keys(
        {
            "digests": Each(TEXT),
            "facts": Each(WHOLE),
            "files": Each(Each(TEXT)),
            "machine": Keys({}),
            "packages": Each((str, type(None))),
            "seeds": Each(WHOLE),
            "spec": Keys({}),
            "text": Each(Keys({})),
            "records": Each(Each(TEXT)),
            "vocabularies": Each(TEXT),
            "sources": Each(TEXT),
        }
    ),
    "result.json": Keys(
        {
            "step": WHOLE,
            "checkpoint": TEXT,
            "metrics": _RATES,
            "signatures": Each(Each(TEXT)),
            "baselines": Each(_RATES),
            "parts": Each(_RATES),
        },
        needed=("step", "checkpoint", "metrics", "signatures"),
    ),
    "evaluations/*.json": Keys(
        {
            "split": TEXT,
            "step": WHOLE,
            "checkpoint": TEXT,
            "metrics": Each(NUMBER),
            "signatures": Each(TEXT),
            "files": Each(TEXT),
            "baselines": _RATES,
            "parts": _RATES,
            "search": Keys({}),
            "details": Keys({}),
            "plan": TEXT,
            "drifts": Items(TEXT),
        },
        needed=("split", "checkpoint", "metrics"),
    ),
    "data.json": Keys(
        {"examples": Each(WHOLE), "dropped": Each(Each(WHOLE)), "tokens_left_out": Each(WHOLE)}
    ),
    "launch.json": Keys({"command": Items(TEXT), "started": TEXT}),
    "tasks.json": Keys({"tasks": Each(_TASK), "parts": Items(_PART)}, needed=("tasks", "parts")),
    "attention.json": Keys({"id": TEXT, "target": TEXT, "weights": Items(Items(NUMBER))}, ("id", "weights")),
    "not_finite.json": Keys({"step": WHOLE, "batches": Items(Keys({"examples": Items(TEXT)}))}),
    "unigram.json": Each(Items(WHOLE)),
}
"""By the file's name in the run directory; of ``.jsonl`` the shape of a line."""


def misshapen(value: Any, name: str) -> str | None:
    """In words why ``value`` cannot stand in the file ``name`` of a run; ``None`` where it can."""
    shape = next((shape for pattern, shape in SHAPES.items() if fnmatchcase(name, pattern)), None)
    return fault_of(value, shape) if shape is not None else None


def fault_of(value: Any, shape: Shape, at: str = "") -> str | None:
    """In words what is wrong with ``value``, which stands at the path ``at``."""
    match shape:
        case Each(of):
            inside = {key: of for key in value} if isinstance(value, dict) else None
        case Keys(of, needed):
            if isinstance(value, dict) and (lacking := [key for key in needed if key not in value]):
                return f"{_place(at)} has no `{lacking[0]}`"
            inside = {key: of[key] for key in of if key in value} if isinstance(value, dict) else None
        case Items(of):
            if not isinstance(value, list):
                return f"{_place(at)} is no list"
            return next((f for n, one in enumerate(value) if (f := fault_of(one, of, f"{at}[{n}]"))), None)
        case types:
            # True is no number here, though Python counts with it.
            return None if type(value) in types else f"{_place(at)} is no {_words(types)}"
    if inside is None:
        return f"{_place(at)} is no mapping"
    faults = (fault_of(value[key], one, f"{at}.{key}" if at else key) for key, one in inside.items())
    return next((fault for fault in faults if fault), None)


def _words(types: tuple[type, ...]) -> str:
    return "text" if str in types else "number" if float in types else "whole number"


def _place(at: str) -> str:
    return f"`{at[:80]}`" if at else "it"
