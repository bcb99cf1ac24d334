"""What a component of a plugin must offer in its slot, asked as soon as it is built.

What it lacks would be noticed deep inside a run, and look like a fault of seqspec.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any, Literal

from seqspec.components import protocols
from seqspec.schema.catalogue import PluginError

_PROTOCOLS: dict[str, type] = {
    "metric": protocols.Metric,
    "optimizer": protocols.Optimizer,
    "model": protocols.GivesOutputs,
    "encoder": protocols.Encoder,
    "head": protocols.Head,
    "loss": protocols.Criterion,
    "search": protocols.Search,
}
_METHODS = {
    "adapter": ("examples", "files", "splits"),
    "normalizer": ("align", "apply"),
    "segmenter": ("fingerprint", "spans", "words"),
    "tokenizer": ("decode", "encode", "encode_batch", "fingerprint"),
}
"""Of slots whose components are written without torch, what ``docs/architecture.md`` lists."""


def require_promises(component: Any, *, slot: str, name: str) -> None:
    """Raise ``PluginError`` where a component of another package lacks what its slot promises."""
    package = type(component).__module__.partition(".")[0]
    if package == "seqspec":
        return
    lacking = ", ".join(_lacking(component, slot))
    if lacking:
        raise PluginError(package, f"its {slot} `{name}` does not keep the promises of the slot: {lacking}")


def _lacking(component: Any, slot: str) -> Iterator[str]:
    protocol = _PROTOCOLS.get(slot, object)
    called = [name for name, held in vars(protocol).items() if _is_asked(name) and callable(held)]
    for method in sorted((*(called if slot in _PROTOCOLS else ()), *_METHODS.get(slot, ()))):
        if not callable(getattr(component, method, None)):
            yield f"it has no `{method}`"
    for name, hint in typing.get_type_hints(protocol).items():
        if typing.get_origin(hint) is not Literal:
            continue
        allowed = typing.get_args(hint)
        if (given := getattr(component, name, None)) not in allowed:
            yield f"its `{name}` is {given!r}, and must be one of {', '.join(map(repr, allowed))}"


def _is_asked(name: str) -> bool:
    return name == "__call__" or not name.startswith("_")
