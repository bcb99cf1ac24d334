"""Packages that only some corpora need: imported when they are first used, and named with their pip command
where absent.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from seqspec.schema.diagnostic import DataError


def require(module: str, *, extra: str, corpus: str) -> ModuleType:
    """The module; ``DataError`` with the command that installs it where it is not there."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        package = module.partition(".")[0]
        message = f"this corpus needs the package `{package}`, which is not installed"
        raise DataError(message, corpus=corpus, help=f"pip install 'seqspec-compiler[{extra}]'") from None
