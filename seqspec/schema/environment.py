"""``${env:NAME}`` and ``${env:NAME:-default}`` in paths and credentials.

Plans, locks and caches hold the text with the name in it, never the value; whoever opens the path calls
``expand``.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from seqspec.schema.diagnostic import Diagnostic, SpecError

NAMED = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}")


class MayName(NamedTuple):
    """Mark in ``Annotated``: ``${env:NAME}`` may stand in the field, because it is a path or a credential."""


Environment = MayName()


def expand(text: str) -> str:
    """``text`` with each ``${env:NAME}`` replaced.

    Raises ``SpecError`` naming a variable that is not set and has no default.  A variable or default that
    is empty counts as not set: an empty path would be the current folder.
    """
    return NAMED.sub(_value, text)


def names(text: str) -> tuple[str, ...]:
    """The variables that ``text`` names."""
    return tuple(match.group(1) for match in NAMED.finditer(text))


def _value(match: re.Match[str]) -> str:
    name, default = match.groups()
    value = os.environ.get(name) or default
    if not value:
        raise SpecError([_unset(name)])
    return value


def _unset(name: str) -> Diagnostic:
    return Diagnostic(
        "SQ314",
        f"the environment variable `{name}` is not set",
        help=f"set it (`export {name}=…`), or give a default in the spec: `${{env:{name}:-path}}`",
    )
