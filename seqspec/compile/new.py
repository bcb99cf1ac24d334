"""``seqspec new TASK``: a commented spec to start from.  The templates are the files beside this one."""

from __future__ import annotations

from pathlib import Path

from seqspec.compile.field_docs import sentence
from seqspec.compile.suggest import nearest

_FOLDER = Path(__file__).with_name("templates")


class NoSuchTask(Exception):
    """There is no template of the name; the message lists those there are."""


def tasks() -> dict[str, str]:
    """Every task with the first line of its template."""
    files = sorted(_FOLDER.glob("*.yaml"))
    return {file.stem: file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for file in files}


def template(task: str) -> str:
    """The text of a starting spec; raises ``NoSuchTask``."""
    known = tasks()
    if task not in known:
        close = nearest(task, tuple(known))
        hint = f"; did you mean `{close}`?" if close else ""
        raise NoSuchTask(f"there is no template for `{task}`{hint}\n{task_list()}")
    return (_FOLDER / f"{task}.yaml").read_text(encoding="utf-8")


def task_list() -> str:
    """The tasks, a line each."""
    known = tasks()
    width = max(map(len, known))
    return "\n".join(f"  {name:{width}}  {sentence(line)}" for name, line in known.items())
