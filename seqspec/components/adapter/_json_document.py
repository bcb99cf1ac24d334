"""One JSON document where JSON lines are expected: an array, an open object, a list in an object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

COMMAS, PYTHON = "commas", "python"
_COMMANDS = {
    COMMAS: "sed 's/,$//'",
    PYTHON: "python -c 'import ast, json, sys; "
    "[print(json.dumps(ast.literal_eval(line))) for line in sys.stdin if line.strip()]' <",
}
"""What makes JSON lines of a file where `jq` does not."""


def refuse_whole_json(text: str, path: Path, *, needed: Sequence[str | int], corpus: str) -> None:
    """Raise ``DataError`` where the first line of a file shows that the file is one JSON document."""
    found = _document(text.strip(), needed)
    if found is None:
        return
    what, take = found
    name, stem = show(path.name), show(path.stem)
    to = f"{stem}.jsonl" if name != f"{stem}.jsonl" else f"{stem}.objects.jsonl"
    command = _COMMANDS.get(take, f"jq -c '{take}'")
    help = f"write one object a line: `{command} {name} > {to}`"
    raise DataError(
        f"the file is {what}, not one JSON object a line", corpus=corpus, file=show(path), help=help
    )


def _document(text: str, needed: Sequence[str | int]) -> tuple[str, str] | None:
    """What the document is, and the expression of ``jq`` that takes the rows out of it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        if text.startswith("["):
            return "one JSON array", ".[]"
        return _objects(text)
    named = [str(name) for name in needed]
    if isinstance(value, str):
        return "JSON strings without a name", _object(".", named[:1])
    if isinstance(value, list) and value and not any(isinstance(row, dict) for row in value):
        return _unnamed_rows(value, named)
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return "one JSON array", ".[]"
    if isinstance(value, dict) and not any(str(name).partition(".")[0] in value for name in needed):
        for key, rows in value.items():
            if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
                return (
                    f"one JSON object that holds the rows under `{show(key[:40])}`",
                    f".[{json.dumps(key)}][]",
                )
    return None


def _unnamed_rows(value: list[object], named: Sequence[str]) -> tuple[str, str] | None:
    """Of an array that holds no objects: of strings, of the cells of a row or of rows."""
    if all(isinstance(row, list) for row in value):
        cells = [f".[{at}]" for at in range(len(named))]
        return "one JSON array of rows without names", f".[] | {_object(cells, named)}"
    if all(isinstance(row, str) for row in value) and len(named) == 1:
        return "one JSON array of strings", f".[] | {_object('.', named)}"
    cells = [f".[{at}]" for at in range(len(named))]
    return "JSON arrays without names", _object(cells, named)


def _object(cells: str | Sequence[str], named: Sequence[str]) -> str:
    """The expression of ``jq`` that gives cells their names; nested ones are named in full."""
    pairs = zip(named, [cells] if isinstance(cells, str) else cells, strict=False)
    return "{" + ", ".join(f"{json.dumps(name)}: {cell}" for name, cell in pairs) + "}"


def _objects(text: str) -> tuple[str, str] | None:
    """Of a line that is no JSON as a whole: objects that do not end where lines do."""
    if text.startswith("{'"):
        return "Python's own print of its values", PYTHON
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return ("JSON objects over several lines", ".") if _is_open(text) else None
    behind = text[end:].lstrip()
    if not text.startswith("{") or not behind:
        return None
    if behind == ",":
        return "JSON objects with a comma behind each", COMMAS
    return ("several JSON objects on one line", ".") if behind.startswith("{") else None


def _is_open(text: str) -> bool:
    """Whether the text begins an object and breaks off at a place where a line may end."""
    return text.startswith("{") and text.endswith(("{", "[", ","))
