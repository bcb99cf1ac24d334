"""Options that several commands share, and how every command ends."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from seqspec.compile.commands import Outcome

Spec = Annotated[Path, typer.Argument(help="The experiment.")]
Run = Annotated[Path, typer.Argument(help="A run directory.")]
Profiles = Annotated[
    list[str], typer.Option("--profile", help="Apply a profile of the spec; may be repeated.")
]
Sets = Annotated[
    list[str], typer.Option("--set", help="Put a value over the spec: path=value; may be repeated.")
]
Task = Annotated[str | None, typer.Option("--task", help="One task of a spec of several, by itself.")]
RunTask = Annotated[str | None, typer.Option("--task", help="Which of the tasks of a run of several.")]
Plugins = Annotated[
    list[str], typer.Option("--plugin", help="Show this plugin's components too; may be repeated.")
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to compute.")]
Precision = Annotated[
    Literal["float32", "bfloat16", "float16"] | None, typer.Option(help="Arithmetic, in place of the spec's.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; left out, one a physical core.")]
Workers = Annotated[int | None, typer.Option(min=0, help="Loader processes; changes speed, never results.")]
Checkpoint = Annotated[
    str,
    typer.Option(
        help="best, last, average (of those kept), average:N (of the newest N), one by name or step, or a "
        "file of `seqspec average`."
    ),
]
Form = Annotated[Literal["text", "json"], typer.Option("--format", help="How the result is printed.")]
Html = Annotated[Path | None, typer.Option(help="Write a page with figures here.")]
Processes = Annotated[int | None, typer.Option(min=1, help="Processes; left out, one a core.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


def finish(outcome: "Outcome") -> None:
    """Print what a command gives, and leave with its exit code."""
    typer.echo(outcome.out, nl=False)
    typer.echo(outcome.error, nl=False, err=True)
    raise typer.Exit(outcome.exit)
