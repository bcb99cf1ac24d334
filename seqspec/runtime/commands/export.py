"""``seqspec export``: what it prints and how it ends."""

from __future__ import annotations

import json
from typing import Literal

from seqspec.compile.commands import Outcome
from seqspec.runtime.commands.guard import guarded
from seqspec.runtime.export.export import Export, Request
from seqspec.runtime.export.export import export as write

__all__ = ["Request", "export"]


def export(request: Request, *, format: Literal["text", "json"] = "text") -> Outcome:
    """The comparison, what quantisation cost and brought, and, last, the folder."""
    return guarded(lambda: Outcome(_json(write(request)) if format == "json" else _text(write(request))))


def _text(done: Export) -> str:
    lines = [f"compared with the run on {done.inputs}"]
    lines += [f"  {check.line()}" for check in done.checks]
    if done.quantized is not None:
        lines.append(f"{done.quantized.how}; measured on {done.quantized.split}")
        lines += [f"  {name:24s} float32 {a}  quantised {b}" for name, (a, b) in done.quantized.table.items()]
    lines.append(f"{done.size:,} bytes in all; README.md and export.json lie beside")
    return "\n".join([*lines, str(done.folder)]) + "\n"


def _json(done: Export) -> str:
    checks = [{"what": c.what, "difference": c.difference, "tolerance": c.tolerance} for c in done.checks]
    told = {
        "export": str(done.folder),
        "compared_on": done.inputs,
        "checks": checks,
        "bytes": done.size,
        "quantized": None if done.quantized is None else done.quantized.as_json(),
    }
    return json.dumps(told, ensure_ascii=False) + "\n"
