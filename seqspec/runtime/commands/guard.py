"""What every command does with a mistake: a few lines and an exit code in place of a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from seqspec.compile.commands import Outcome
from seqspec.compile.diagnostics.report import render
from seqspec.runtime.devices.speaker import takes_the_word
from seqspec.schema.diagnostic import DataError, Diagnostic, Exit, RunError, SpecError


def guarded(work: Callable[[], Outcome]) -> Outcome:
    """``work``, with what a person can fix told in a few lines instead of a traceback."""
    try:
        return work()
    except SpecError as error:
        return _failed(render(error.diagnostics, color=sys.stderr.isatty()), exit=Exit.DIAGNOSTICS)
    except DataError as error:
        found = error.diagnostic or Diagnostic(error.code, str(error), help=error.help)
        return _failed(render([found], color=sys.stderr.isatty()), exit=Exit.DATA)
    except RunError as error:
        return _failed(told(f"error: {error}", error.help), exit=error.exit)
    except KeyboardInterrupt:
        return _failed("interrupted\n", exit=Exit.INTERRUPTED)
    except FileNotFoundError as error:
        return _failed(f"error: {error.filename} does not exist\n", exit=Exit.USAGE)
    except OSError as error:
        if error.filename is None:
            raise  # standard output, or another stream that is not ours to name
        return _failed(f"error: {of_system(error)}\n", exit=Exit.USAGE)


def _failed(error: str, *, exit: int) -> Outcome:
    return Outcome(error=error if takes_the_word() else "", exit=exit)


def of_system(error: OSError) -> str:
    """What the system refused, with the place where it is known."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def told(message: str, help: str | None) -> str:
    """A line, and the remedy below it."""
    return message + "\n" + (f"  = help: {help}\n" if help else "")
