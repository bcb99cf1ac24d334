"""Errors in the code of a plugin are the plugin's, and are told as such."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from seqspec.schema.catalogue import PluginError


class PluginFailure(NamedTuple):
    """Which package failed, and where."""

    package: str
    message: str


def plugin_failure(error: BaseException) -> PluginFailure | None:
    """The plugin in whose code ``error`` was raised, or on whose behalf; ``None`` where it is our own."""
    if isinstance(error, PluginError):
        return PluginFailure(error.name, error.reason)
    packages = {point.value.partition(".")[0] for point in entry_points(group="seqspec")} - {"seqspec"}
    frame = _deepest(error.__traceback__, packages)
    if frame is None:
        return None
    package = str(frame.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
    place = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}"
    words = " ".join(str(error).split())[:200]
    return PluginFailure(package, f"{type(error).__name__} at {place}" + (f": {words}" if words else ""))


def _deepest(trace: TracebackType | None, packages: set[str]) -> TracebackType | None:
    """The last call on the way to the error that stands in the code of one of ``packages``."""
    found = None
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] in packages:
            found = trace
        trace = trace.tb_next
    return found
