"""The command line's ``data`` group: fetch, prepare and look at what an experiment learns from."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from seqspec.cli_options import Form, Html, Processes, Profiles, Quiet, Sets, Spec, Task, finish

data = typer.Typer(help="Prepare, inspect and fetch data.", no_args_is_help=True, rich_markup_mode=None)


@data.command()
def fetch(
    spec: Annotated[Path, typer.Argument(help="The experiment whose corpora are wanted.")],
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    task: Task = None,
    only: Annotated[
        list[str], typer.Option(help="Files to fetch, by name or pattern; may be repeated.")
    ] = [],  # noqa: B006
    list_: Annotated[
        bool, typer.Option("--list", help="Say what would be fetched, with sizes, and fetch nothing.")
    ] = False,
) -> None:
    """Fetch a spec's corpora: resumed where a download broke off, checked, unpacked."""
    from seqspec.compile import commands
    from seqspec.runtime.commands.fetch import fetch_corpora

    finish(fetch_corpora(spec, over=commands.overlays(profile, set, task), only=only, dry=list_))


@data.command()
def prepare(
    spec: Spec,
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    task: Task = None,
    split: Annotated[list[str], typer.Option(help="Only this split; may be repeated.")] = [],  # noqa: B006
    processes: Processes = None,
    verify: Annotated[bool, typer.Option("--verify", help="Hash every file of the cache.")] = False,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Work out part I of N, from 1; the last of them joins all."),
    ] = None,
    on: Annotated[
        Literal["ray"] | None, typer.Option(help="Have the parts worked out by a Ray cluster (RAY_ADDRESS).")
    ] = None,
    shards: Annotated[
        int | None, typer.Option(min=1, help="With --on: how many parts; left out, four a worker.")
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Copy what was prepared there; SEQSPEC_STORE names it to readers."),
    ] = None,
    quiet: Quiet = False,
    format: Form = "text",
) -> None:
    """Prepare the data of an experiment: read, encode, index; what is in the cache already is left alone."""
    from seqspec.compile.commands import overlays
    from seqspec.runtime.commands import corpus

    if on is not None or shards is not None:
        from seqspec.runtime.commands.prepare_on_ray import prepare_on_ray, require_alone

        finish(
            require_alone(on, shard=shard, processes=processes)
            or prepare_on_ray(
                spec,
                over=overlays(profile, set, task),
                splits=split,
                shards=shards,
                verify=verify,
                quiet=quiet,
                format=format,
                pushed=push,
            )
        )
    finish(
        corpus.prepare(
            spec,
            over=overlays(profile, set, task),
            splits=split,
            processes=processes,
            verify=verify,
            shard=shard,
            pushed=push,
            quiet=quiet,
            format=format,
        )
    )


@data.command()
def inspect(
    spec: Spec,
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    task: Task = None,
    html: Html = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Texts or recordings of a split that are read.")
    ] = 200_000,
    processes: Processes = None,
    quiet: Quiet = False,
    format: Form = "text",
) -> None:
    """Look at the data before a model does: checks D01 to D22.  Exit code 1: an error was found."""
    from seqspec.compile.commands import overlays
    from seqspec.runtime.commands import corpus

    finish(
        corpus.inspect(
            spec,
            over=overlays(profile, set, task),
            html=html,
            limit=limit,
            processes=processes,
            quiet=quiet,
            format=format,
        )
    )
