"""Paths of a spec as a person writes them: ``evaluate.metrics[0].tokenize``."""

from __future__ import annotations

import re

from seqspec.schema.source import Path, dotted


class NoSuchPath(Exception):
    """The experiment has nothing at the path; the message offers what there is."""


def parse_path(text: str) -> Path:
    """``evaluate.metrics[0].tokenize`` as a path; raises ``NoSuchPath`` for text that is none."""
    parts = re.findall(r"([^.\[\]]+)|\[(\d+)\]", text)
    path = tuple(int(index) if index else name for name, index in parts)
    if not path or dotted(path) != text:
        raise NoSuchPath(f"`{text}` is no path such as `data.batch.size` or `evaluate.metrics[0]`")
    return path
