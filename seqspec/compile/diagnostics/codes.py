"""Every diagnostic's name and page.

The pages of our own codes are files, ``pages/SQ101-unknown-key.md``; the page of a check is the docstring
of its module (``checks/<rule>.py``), which is read and not imported.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_CODE = re.compile(r'^CODE(?:: \w+)? = "(SQ\d{3})"', re.MULTILINE)


def titled(code: str) -> str:
    """``SQ101`` as ``SQ101 unknown-key``."""
    name = names().get(code)
    return f"{code} {name}" if name else code


@cache
def names() -> dict[str, str]:
    """Code to name, for every code that has a page."""
    found = {}
    for file in (_HERE / "pages").glob("SQ*.md"):
        code, _, name = file.stem.partition("-")
        found[code] = name
    for code, file in _checks().items():
        found.setdefault(code, file.stem.replace("_", "-"))
    return found


def page(code: str) -> str | None:
    """What the code means, with a wrong and a right example, as Markdown; ``None`` for a code that there is
    not.
    """
    name = names().get(code)
    if name is None:
        return None
    file = _HERE / "pages" / f"{code}-{name}.md"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    tree = ast.parse(_checks()[code].read_text(encoding="utf-8"))
    return f"# {code} {name}\n\n{ast.get_docstring(tree) or ''}\n"


def first_line(code: str) -> str:
    """One sentence on the code, for lists and for machines."""
    text = (page(code) or "").split("\n\n")
    return " ".join(text[1].split()) if len(text) > 1 else ""


def about(code: str) -> str:
    """What the code means, without its examples, in one line."""
    said: list[str] = []
    for part in (page(code) or "").split("\n\n")[1:]:
        if part.startswith(("Wrong:", "Example", "```")):
            break
        said.append(" ".join(part.split()))
    return " ".join(said)


@cache
def _checks() -> dict[str, Path]:
    found = {}
    for file in sorted((_HERE.parent / "checks").glob("*.py")):
        match = _CODE.search(file.read_text(encoding="utf-8"))
        if match:
            found[match.group(1)] = file
    return found
