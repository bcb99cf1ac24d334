"""Errors in the code of a plugin are the plugin's, and are told as such."""

from __future__ import annotations

import sys
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
    packages = {_package(point.value) for point in entry_points(group="seqspec")} - {"seqspec"}
    frame = _deepest(error.__traceback__, packages)
    if frame is None:
        return None
    package = _package(str(frame.tb_frame.f_globals.get("__name__", "")))
    place = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}"
    words = " ".join(str(error).split())[:200]
    return PluginFailure(package, f"{type(error).__name__} at {place}" + (f": {words}" if words else ""))


def plugins_at_work() -> str:
    """The plugins that this process has loaded, as words for a help line; empty where there are none.

    An error in our own code may come from what one of them gave.
    """
    offered = {_package(point.value) for point in entry_points(group="seqspec")} - {"seqspec"}
    loaded = sorted(offered & set(sys.modules))
    if not loaded:
        return ""
    names = " and ".join(f"`{name}`" for name in loaded)
    return f"{names} took part: what a plugin gives may be the cause, and `seqspec.testing` examines it"


def _package(module: str) -> str:
    return module.partition(".")[0]


def _deepest(trace: TracebackType | None, packages: set[str]) -> TracebackType | None:
    """The last call on the way to the error that stands in the code of one of ``packages``."""
    found = None
    while trace is not None:
        if _package(str(trace.tb_frame.f_globals.get("__name__", ""))) in packages:
            found = trace
        trace = trace.tb_next
    return found
