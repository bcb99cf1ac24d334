"""The command line: its commands (``cli_training``, ``cli_results``, ``cli_specs``, ``cli_data``) as one
application, and how it ends where something fails.
"""

import contextlib
import os
import re
import sys
from copy import copy
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import seqspec
from seqspec.cli_data import data
from seqspec.cli_results import results
from seqspec.cli_specs import specs
from seqspec.cli_training import train


class _Commands(TyperGroup):
    """Typer's, with what is wrong with an option's value in one sentence, and the value in it."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _one_sentence(error)
            raise


def _one_sentence(error: typer.BadParameter) -> str:
    """Typer hands on what pydantic says: ``Value error, 'onxx' is not one of …``, ``Input should be …``."""
    from pydantic import ValidationError

    from seqspec.compile.language.suggestions import nearest

    told = error.message.removeprefix("Value error, ")
    if isinstance(error.__cause__, ValidationError):
        given = error.__cause__.errors()[0]["input"]
        told = re.sub("^Input (should be [^,]*).*", lambda found: f"'{given}' {found[1]}", told)
    choice = re.fullmatch("'(.*)' is not one of (.*)[.]", told)
    close = nearest(choice[1], re.findall("'([^']*)'", choice[2])) if choice else None
    return f"{told[:-1]}; did you mean '{close}'?" if close else told


app = typer.Typer(
    cls=_Commands,
    name="seqspec",
    help="A compiler for experiments with sequence models.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data, name="data")
for part in (train, results, specs):
    app.registered_commands += part.registered_commands


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"seqspec {seqspec.__version__}")
        raise typer.Exit


@app.callback()
def seqspec_(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """A compiler for experiments with sequence models."""


def main() -> None:
    """Entry point of the ``seqspec`` command."""
    # Looking for plugins of pydantic costs a fifth of the time of `validate`, and we use none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _fill_closed_streams()
    _require_working_directory()
    try:
        _with(sys.argv[1:2])()
    except OSError as error:
        if os.environ.get("SEQSPEC_DEBUG"):
            raise
        _refused(error)
    except Exception as error:
        if os.environ.get("SEQSPEC_DEBUG"):
            raise
        if lacking := _lacking(error):
            typer.echo(lacking, err=True)
            raise SystemExit(2) from None
        typer.echo(_bug(error), err=True)
        raise SystemExit(70) from None


def _fill_closed_streams() -> None:
    """What is opened next would take the number of a closed one: a socket would be read as standard input,
    and what a library says would be written into a checkpoint.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _require_working_directory() -> None:
    """Libraries end the process where the folder that they are started in is gone."""
    try:
        Path.cwd()
    except OSError:
        typer.echo("error: the working directory has been deleted", err=True)
        typer.echo('  = help: change to a folder that exists: `cd "$HOME"`', err=True)
        raise SystemExit(2) from None


def _with(asked: list[str]) -> typer.Typer:
    """The application with the one command that is asked for, where it has it: reading the signatures of all
    of them takes as long as reading a spec.
    """
    commands = [
        it for it in app.registered_commands if [it.name or getattr(it.callback, "__name__", None)] == asked
    ]
    groups = [it for it in app.registered_groups if [it.name] == asked]
    if not commands and not groups:
        return app
    one = copy(app)
    one.registered_commands, one.registered_groups = commands, groups
    return one


_TRAIN = frozenset(
    {
        "torch",
        "lightning",
        "safetensors",
        "tensorboard",
        "soundfile",
        "soxr",
        "sacrebleu",
        "fugashi",
        "rapidfuzz",
    }
)
"""What the extra `train` brings, by the names of the modules."""


def _lacking(error: Exception) -> str | None:
    """What a person is told who installed what checks specs, and asks for more."""
    if not isinstance(error, ModuleNotFoundError) or (error.name or "").partition(".")[0] not in _TRAIN:
        return None
    asked = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    return f"`seqspec {asked}` needs {error.name}: pip install 'seqspec-compiler[train]'"


def _refused(error: OSError) -> None:
    """What the system refused is no fault of ours: the place, and why."""
    # What standard output could not take would be tried again, and fail again, at the very end.
    from seqspec.runtime.devices.unread_output import to_nowhere

    with contextlib.suppress(OSError):
        to_nowhere(sys.stdout)
    place = error.filename or "standard output"
    told = f"error: {place}: {error.strerror or error}\n  = help: make room there, or write to another place"
    with contextlib.suppress(OSError):
        typer.echo(told, err=True)
    raise SystemExit(2)


def _bug(error: Exception) -> str:
    """What a person is told when the fault is ours."""
    import traceback

    from seqspec.compile.diagnostics.plugin_errors import plugin_failure, plugins_at_work

    failure = plugin_failure(error)
    if failure is not None:
        return (
            f"error[SQ141 plugin-failed]: the plugin `{failure.package}` failed: {failure.message}\n"
            "  = help: its authors can fix it; SEQSPEC_DEBUG=1 shows where"
        )
    last = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return (
        f"error[SQ900 internal]: {what}\n  --> {Path(last.filename).name}:{last.lineno}\n"
        f"  = help: {plugins_at_work() or 'this is a fault of seqspec'}; "
        "SEQSPEC_DEBUG=1 shows the traceback to report"
    )


if __name__ == "__main__":
    main()
