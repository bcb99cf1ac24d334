"""Versions of components: the bytes of their files, so that a changed one never meets an old cache."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path


def code_of(*components: object) -> list[str]:
    """SHA-256 of the source file of each component's class; an empty string where it has none."""
    return [_hash(type(component).__module__) for component in components if component is not None]


@cache
def _hash(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file or not Path(file).is_file():
        return ""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
