"""What ``seqspec compare`` and ``seqspec runs`` do.  Neither loads torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from seqspec.compile.commands import Outcome
from seqspec.data.store.durable import write_durably, writing
from seqspec.runtime.commands.guard import guarded
from seqspec.runtime.commands.result_text import Format
from seqspec.schema.diagnostic import Exit, RunError

ComparisonFormat = Literal["text", "json", "markdown"]


def compare(paths: Sequence[Path], *, format: ComparisonFormat, html: Path | None) -> Outcome:
    """``seqspec compare RUN…``: exit code 1 where runs do not compare, with the reason."""

    def work() -> Outcome:
        from seqspec.runtime.compare import formats
        from seqspec.runtime.compare.comparison import compare as compare_runs
        from seqspec.runtime.compare.comparison_page import as_page
        from seqspec.runtime.run_folder.lost_files import lost_files

        if len(paths) < 2:
            raise RunError(
                "compare takes two runs or more", exit=Exit.USAGE, help="`seqspec runs` lists them"
            )
        found = compare_runs(paths)
        lost = [line for run in found.runs for line in lost_files(run.folder)]
        told = "".join(f"warning: {note}\n" for note in (*lost, *found.notes))
        if html is not None:
            with writing(html, help="name another file with --html"):
                html.parent.mkdir(parents=True, exist_ok=True)
                write_durably(html, as_page(found).encode("utf-8", "surrogatepass"))
            told += f"the page with curves is {html}\n"
        text = {"text": formats.as_text, "json": formats.as_json, "markdown": formats.as_markdown}[format](
            found
        )
        return Outcome(text, told, exit=Exit.DIAGNOSTICS if found.notes else Exit.CLEAN)

    return guarded(work)


def runs(folder: Path, *, format: Format) -> Outcome:
    """``seqspec runs [DIR]``."""

    def work() -> Outcome:
        from seqspec.runtime.compare.listing import as_text, list_runs

        if not folder.is_dir():
            raise RunError(
                f"{folder} is no folder", exit=Exit.USAGE, help="name the folder that holds the runs"
            )
        found = list_runs(folder)
        if format == "json":
            return Outcome(json.dumps([run.as_json() for run in found], ensure_ascii=False) + "\n")
        return Outcome(as_text(found) if found else "", "" if found else f"{folder} holds no runs\n")

    return guarded(work)
