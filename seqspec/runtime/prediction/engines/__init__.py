"""Engines that a run's model can be used with, by the name that ``predict --engine`` takes."""

from __future__ import annotations

import sys
from typing import Any

from seqspec.compile.language.suggestions import which
from seqspec.schema.diagnostic import Exit, RunError

NAMES = ("torch", "compiled", "ctranslate2", "ctranslate2-int8")


def engine_of(name: str, model: Any, *, config: Any, search: Any, threads: int, digest: str) -> Any:
    """What answers batches: ``model`` itself, or another engine that holds its weights.  ``digest`` tells
    what decides its arithmetic beside them.
    """
    if name == "torch":
        return model
    if name not in NAMES:
        help = which(name, NAMES, there="the engines are")
        raise RunError(f"there is no engine `{name}`", exit=Exit.USAGE, help=help)
    if name == "compiled":
        from seqspec.runtime.prediction.engines.compiled_step import with_compiled_step

        return with_compiled_step(model, search=search, digest=digest)
    from seqspec.runtime.prediction.engines.ctranslate2 import Ctranslate2, check_search

    warning = check_search(search)
    if warning is not None:
        print(f"note: {warning}", file=sys.stderr)
    arithmetic = "int8" if name.endswith("-int8") else "float32"
    return Ctranslate2(model, config, arithmetic=arithmetic, threads=threads)  # type: ignore[arg-type]
