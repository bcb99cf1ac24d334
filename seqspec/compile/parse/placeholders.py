"""Places of a template that nobody has filled in: ``{{ name }}``, ``<name>``, ``???``, ``TODO``."""

from __future__ import annotations

import re

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_ANGLES = re.compile(r"<[^<>\s/][^<>]*>")
UNSET = r"\?{3}"
"""What Hydra writes for a value that must be given."""
_WORDS = re.compile(UNSET + r"|(?:TODO|FIXME|TBD|XXX+|(?:CHANGE|REPLACE|FILL)_?ME)\b.*", re.IGNORECASE)
_FORMAT = re.compile(r"%\((\w+)\)[sdf]|@(\w+)@")


def left_over(text: str, *, instead: str = "refer to another setting by `${path.of.it}`") -> str | None:
    """What to do about a place that is not filled in; ``None`` where ``text`` holds none.

    ``{{ … }}`` and ``%(name)s`` count wherever they stand, the other forms only as the whole text.
    """
    jinja = JINJA.search(text)
    if jinja:
        return f"`{_short(jinja.group())}` is left over from a template: write the value, or {instead}"
    if formatted := _FORMAT.search(text):
        return f"`{_short(formatted.group())}` is left over from a template: write the value, or {instead}"
    if _ANGLES.fullmatch(text) or _WORDS.fullmatch(text.strip()):
        return f"`{_short(text)}` only marks a place to be filled in: write the value itself"
    return None


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:39]}…"
