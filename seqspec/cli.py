"""The command line: typed arguments, one call, one print.  torch loads only inside the commands that train or build."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="seqspec",
    help="A compiler for experiments with sequence models.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data = typer.Typer(help="Prepare, inspect and fetch data.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data, name="data")


def main() -> None:
    """Entry point of the ``seqspec`` command."""
    app()


if __name__ == "__main__":
    main()
