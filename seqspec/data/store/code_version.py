"""Versions of components: the bytes of their files, so that a changed one never meets an old cache."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path


def code_of(*components: object) -> list[str]:
    """SHA-256 of the source file of each component's class and of those that it builds on; an empty string
    where there is none.
    """
    kinds = (kind for one in components if one is not None for kind in type(one).__mro__)
    modules = (kind.__module__ for kind in kinds)
    return [_hash(name) for name in modules if name not in ("builtins", "abc", "typing")]


@cache
def _hash(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file or not Path(file).is_file():
        return ""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
