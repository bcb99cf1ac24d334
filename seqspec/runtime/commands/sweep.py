"""What ``seqspec sweep`` does: text in, text and an exit code out."""

from __future__ import annotations

import sys

from seqspec.compile.commands import Outcome
from seqspec.runtime.commands.guard import guarded
from seqspec.runtime.commands.result_text import Format
from seqspec.runtime.sweep.page import write_page
from seqspec.runtime.sweep.result import due_line, to_json, to_text, write_best
from seqspec.runtime.sweep.stages import Due
from seqspec.runtime.sweep.sweep import Request as Request
from seqspec.runtime.sweep.sweep import sweep as carry_out
from seqspec.runtime.sweep.trial import Trial
from seqspec.schema.diagnostic import Exit
from seqspec.schema.sections.sweep_space import Space


def sweep(request: Request, *, quiet: bool, format: Format) -> Outcome:
    """``seqspec sweep SPEC``: exit code 4 where no trial came to a value."""

    def tell(due: Due, ended: Trial, space: Space) -> None:
        if not quiet:
            print(due_line(due, ended, space), file=sys.stderr, flush=True)

    def work() -> Outcome:
        swept = carry_out(request, tell=tell)
        write_best(swept)
        write_page(swept)
        text = to_json(swept) if format == "json" else to_text(swept)
        return Outcome(text, exit=Exit.CLEAN if swept.best else Exit.NON_FINITE)

    return guarded(work)
