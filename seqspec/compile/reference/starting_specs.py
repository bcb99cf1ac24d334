"""``seqspec new TASK``: a commented spec to start from.  The templates are the files beside this one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from seqspec.compile.language.field_docs import sentence
from seqspec.compile.language.suggestions import nearest
from seqspec.compile.parse.parse import SHIPPED

_FOLDER = Path(__file__).with_name("templates")

_EXTENDS = re.compile(r"^extends: *([a-z0-9_]+\.yaml) *$", re.MULTILINE)
"""How shipped specs name their base: a file beside them."""


class NoSuchTask(Exception):
    """There is no template of the name; the message lists those there are."""


def tasks() -> dict[str, str]:
    """Every task with the first line of its template."""
    files = sorted(_FOLDER.glob("*.yaml"))
    return {file.stem: file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for file in files}


def template(task: str) -> str:
    """The text of a starting spec; raises ``NoSuchTask``."""
    known = tasks()
    if task not in known and (shipped := _shipped(task)) is not None:
        return shipped.read_text(encoding="utf-8")
    if task not in known:
        close = nearest(task, tuple(known)) or _of_kind(task, known)
        hint = f"; did you mean `{close}`?" if close else ""
        raise NoSuchTask(f"there is no template for `{task}`{hint}\n{task_list()}")
    return (_FOLDER / f"{task}.yaml").read_text(encoding="utf-8")


def bases(text: str) -> dict[str, str]:
    """The shipped specs that a starting spec extends, and those that they extend, by file name."""
    found: dict[str, str] = {}
    wanted = _EXTENDS.findall(text)
    while wanted:
        name = wanted.pop()
        file = SHIPPED / name
        if name not in found and file.is_file():
            found[name] = file.read_text(encoding="utf-8")
            wanted += _EXTENDS.findall(found[name])
    return found


def _shipped(name: str) -> Path | None:
    """The one spec under ``specs/`` of this name, or whose first comment names an experiment like this, as
    Tensor2Tensor's ``transformer_big`` or Lingvo's ``Librispeech960Grapheme``.
    """
    files = sorted(SHIPPED.glob("*.yaml"))
    for file in files:
        if file.stem == name:
            return file
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    named = re.search(r"[_0-9]|[a-z][A-Z]", name)  # an ordinary word names no experiment
    speak = [file for file in files if named and len(name) > 3 and word.search(_first_comment(file))]
    return speak[0] if len(speak) == 1 else None


def _first_comment(file: Path) -> str:
    return file.read_text(encoding="utf-8").partition("\nseqspec:")[0]


def _of_kind(word: str, known: Mapping[str, str]) -> str | None:
    """The first task whose first line speaks of ``word``, or of a word that begins like it."""
    stem = word.lower().replace("_", " ")[:8].strip()
    return next((name for name, line in known.items() if len(stem) > 2 and stem in line.lower()), None)


def task_list() -> str:
    """The tasks, a line each."""
    known = tasks()
    width = max(map(len, known))
    return "\n".join(f"  {name:{width}}  {sentence(line)}" for name, line in known.items())
