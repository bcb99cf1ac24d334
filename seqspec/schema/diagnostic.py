"""What the person sees: diagnostics as data.  How they look is in ``compile/diagnostics``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Literal, NamedTuple

from seqspec.schema.source import Path, Span, Tree

Severity = Literal["error", "warning", "note"]


class Label(NamedTuple):
    """A second place, with the words that say why it matters ("first given here")."""

    span: Span
    text: str


class Edit(NamedTuple):
    """Replace the text of ``span`` by ``text``."""

    span: Span
    text: str


class Fix(NamedTuple):
    """Edits that fix the mistake.  ``safe``: the meaning that the person wrote is kept; ``unsafe``:
    results may change.
    """

    title: str
    edits: tuple[Edit, ...]
    safe: bool


class Diagnostic(NamedTuple):
    """One mistake: what, where, what was expected, what to do."""

    code: str
    """``SQ101``; never used again for something else."""
    message: str
    """One lower-case line in the person's words, without the remedy."""
    span: Span | None = None
    severity: Severity = "error"
    labels: tuple[Label, ...] = ()
    help: str | None = None
    note: str | None = None
    fix: Fix | None = None
    path: Path = ()
    """The place in the experiment, where there is one."""
    profiles: tuple[str, ...] = ()
    """The profiles under which alone it is a mistake; none where the spec itself has it."""


class Finding(NamedTuple):
    """What a check gives: a diagnostic that names places by path; the report finds the spans.

    ``at`` may name a field that stands only as a default; then the nearest thing that was written is shown.
    """

    at: Path
    message: str
    help: str | None = None
    note: str | None = None
    severity: Severity = "error"
    also: tuple[tuple[Path, str], ...] = ()
    """Second places with their labels."""
    on_key: bool = False
    """Point at the key rather than the value."""
    code: str = ""
    """Filled in with the code of the check that gave it."""


class SpecError(Exception):
    """The spec is wrong; holds every diagnostic that the stage could find.

    ``tree`` is what survived, with poison in place of what did not, where later stages can go on with it.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], *, tree: Tree | None = None) -> None:
        self.diagnostics = tuple(diagnostics)
        self.tree = tree
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in self.diagnostics))
        for one in self.diagnostics:
            if one.span is not None:
                self.add_note(f"  --> {one.span}")
            _note_remedy(self, one.help)


def _note_remedy(error: Exception, help: str | None) -> None:
    """Python shows notes below the message of what nobody caught, as in a notebook."""
    if help:
        error.add_note(f"  = help: {help}")


class DataError(Exception):
    """The data are not what the spec says.  The message names corpus, file, row and byte as far as they are
    known.
    """

    def __init__(
        self,
        message: str,
        *,
        corpus: str = "",
        file: str = "",
        row: int | None = None,
        byte: int | None = None,
        help: str | None = None,
        code: str = "SQ400",
        at: Path = (),
    ) -> None:
        self.corpus, self.file, self.row, self.byte, self.help, self.code = (
            corpus,
            file,
            row,
            byte,
            help,
            code,
        )
        self.message = message
        self.at = at
        """The place in the experiment that asked for what went wrong, where it is known."""
        self.diagnostic: Diagnostic | None = None
        """The same, shown where that place was written; see ``compile/diagnostics/report.py: located``."""
        place = ":".join(str(part) for part in (file, row) if part not in ("", None))
        where = ", ".join(
            part
            for part in (
                f"corpus {corpus}" if corpus else "",
                place,
                f"byte {byte}" if byte is not None else "",
            )
            if part
        )
        super().__init__(f"{message} ({where})" if where else message)
        _note_remedy(self, help)

    def __reduce__(self) -> tuple[object, ...]:
        args = dict(
            corpus=self.corpus, file=self.file, row=self.row, byte=self.byte, help=self.help, code=self.code,
            at=self.at,
        )  # fmt: skip
        return _data_error, (self.message, args)


@contextmanager
def blamed(*at: str | int) -> Iterator[None]:
    """Errors of the data inside are blamed on this place of the experiment, unless they name their own.

    Where it is a text pipeline, the error's code says which of its steps is meant.
    """
    try:
        yield
    except DataError as error:
        step = {"SQ42": ("segment",), "SQ43": ("tokenizer",)}.get(error.code[:4], ())
        error.at = error.at or (*at, *step)
        raise


def _data_error(message: str, args: dict[str, object]) -> DataError:
    return DataError(message, **args)  # type: ignore[arg-type]


class Exit(IntEnum):
    """Exit codes of the commands."""

    CLEAN = 0
    DIAGNOSTICS = 1
    USAGE = 2
    DATA = 3
    NON_FINITE = 4
    STORAGE = 5
    LOCKED = 6
    DRIFT = 7
    LOST = 8
    INTERRUPTED = 130
    TERMINATED = 143


class RunError(Exception):
    """A run cannot go on.  ``exit`` is the code that the command leaves with."""

    def __init__(self, message: str, *, exit: Exit, help: str | None = None) -> None:
        self.exit = exit
        self.help = help
        super().__init__(message)
        _note_remedy(self, help)
