"""What ``seqspec describe`` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from seqspec.compile.commands import Outcome
from seqspec.data.store.durable import write_durably, writing
from seqspec.runtime.commands.guard import guarded
from seqspec.runtime.describe.facts import Facts
from seqspec.runtime.run_folder.lost_files import lost_files
from seqspec.schema.diagnostic import Exit, RunError

Form = Literal["card", "croissant", "mlflow", "dvc", "ro-crate"]


def describe(
    path: Path, *, form: Form, licence: str | None, output: Path | None, task: str | None = None
) -> Outcome:
    """``seqspec describe RUN --as FORM``: to standard output, or into a file."""

    def work() -> Outcome:
        from seqspec.runtime.describe.facts import facts_of

        facts = facts_of(path, licence=licence, task=task)
        if form == "mlflow":
            return _into_mlflow(facts, output)
        text, lost = _texts()[form](facts), _lost(facts)
        if output is None:
            return Outcome(text, lost)
        with writing(output, help="name another file with --output"):
            write_durably(output, text.encode())
        return Outcome(f"{output}\n", lost)

    return guarded(work)


def _texts() -> Mapping[str, Callable[[Facts], str]]:
    from seqspec.runtime.describe.card import card
    from seqspec.runtime.describe.croissant import croissant
    from seqspec.runtime.describe.dvc import dvc
    from seqspec.runtime.describe.ro_crate import ro_crate

    return {"card": card, "croissant": croissant, "dvc": dvc, "ro-crate": ro_crate}


def _into_mlflow(facts: Facts, output: Path | None) -> Outcome:
    from seqspec.runtime.describe.mlflow import into_mlflow

    if output is None:
        raise RunError(
            "MLflow keeps runs in a database", exit=Exit.USAGE, help="name its file: --output mlflow.db"
        )
    with writing(output, help="name another file with --output"):
        identity, known = into_mlflow(facts, output)
    told = (
        "was there already"
        if known
        else f"`mlflow server --backend-store-uri sqlite:///{output.name}` shows it"
    )
    return Outcome(f"{identity}\n", f"{_lost(facts)}{told}\n")


def _lost(facts: Facts) -> str:
    return "".join(f"warning: {lost}\n" for lost in lost_files(facts.folder))
