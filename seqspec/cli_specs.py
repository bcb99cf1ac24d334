"""Commands about specs: what is wrong with them, what they mean, where to start."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from seqspec.cli_options import Form, Html, Plugins, Profiles, Quiet, Sets, Task, finish

specs = typer.Typer()


@specs.command()
def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Specs, or folders of specs; left out, every spec under specs/."),
    ] = None,
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    task: Task = None,
    format: Annotated[
        Literal["text", "concise", "json", "github", "sarif", "junit"],
        typer.Option(help="How to write what is wrong."),
    ] = "text",
    color: Annotated[Literal["auto", "always", "never"], typer.Option(help="Colours in text.")] = "auto",
    fix: Annotated[bool, typer.Option("--fix", help="Make the fixes that keep what was meant.")] = False,
    unsafe_fixes: Annotated[
        bool, typer.Option("--unsafe-fixes", help="Make the other fixes too: look at them with --diff first.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show the fixes as a patch, and change no file.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
    with_data: Annotated[
        bool, typer.Option("--with-data", help="Look whether the corpora are there.")
    ] = False,
    max_params: Annotated[
        int | None, typer.Option(help="Most trainable parameters that the model may have; loads torch.")
    ] = None,
    max_memory: Annotated[
        float | None,
        typer.Option(min=0.001, help="Most memory that training may take of a device, in GiB."),
    ] = None,
    devices: Annotated[int, typer.Option(min=1, help="With --max-memory: devices that share each step.")] = 1,
    strategy: Annotated[
        Literal["ddp", "fsdp", "tp"], typer.Option(help="With --max-memory: how they share it.")
    ] = "ddp",
    tensor_parallel: Annotated[
        int | None,
        typer.Option(
            min=1, help="With --strategy tp or fsdp: devices that split each layer; left out, all under tp."
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; left out, one a core for many specs.")
    ] = None,
) -> None:
    """Say what is wrong with specs.  Exit code 0: nothing, 1: mistakes, 2: a file cannot be read."""
    from seqspec.compile import commands, validation

    options = validation.Options(
        overlays=commands.overlays(profile, set, task),
        format=format,
        color=validation.wants_color(color),
        fix=fix,
        unsafe_fixes=unsafe_fixes,
        show_diff=diff,
        strict=strict,
        with_data=with_data,
        max_params=max_params,
        max_memory=max_memory,
        devices=devices,
        strategy=strategy,
        tensor_parallel=tensor_parallel,
        jobs=jobs,
    )
    verdict = validation.validate_specs(paths or [], options)
    finish(commands.Outcome(verdict.out, verdict.summary, verdict.exit))


@specs.command()
def explain(
    subject: Annotated[
        str, typer.Argument(help="A spec, a code (SQ101), a slot, a component (encoder.conformer) or a key.")
    ],
    path: Annotated[str | None, typer.Argument(help="A place in the spec, such as data.batch.size.")] = None,
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    task: Task = None,
    params: Annotated[
        bool, typer.Option("--params", help="Table of trainable parameters; loads torch.")
    ] = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="Memory and arithmetic of a step; loads torch.")
    ] = False,
    devices: Annotated[
        int | None, typer.Option(min=1, help="With --cost: of each of so many devices, by strategy.")
    ] = None,
    gpu: Annotated[str, typer.Option(help="With --devices: their kind, such as a100 or h100.")] = "h100",
    tensor_parallel: Annotated[
        int | None,
        typer.Option(min=1, help="With --devices: groups of so many split layers, by tp and beside fsdp."),
    ] = None,
    batches: Annotated[
        bool, typer.Option("--batches", help="Batches and steps of an epoch; prepares the corpus.")
    ] = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Say what something means, or what a spec compiles to."""
    from seqspec.compile import commands

    table: Literal["plan", "params", "cost", "batches"]
    table = "params" if params else "cost" if cost else "batches" if batches else "plan"
    over = commands.overlays(profile, set, task)
    finish(commands.explain(subject, path=path, over=over, table=table, plugins=plugin,
                            devices=devices, gpu=gpu, tensor_parallel=tensor_parallel))  # fmt: skip


@specs.command()
def diff(
    a: Annotated[str, typer.Argument(help="A spec, a folder, a run directory, or REV:path of git.")],
    b: Annotated[str, typer.Argument(help="The other side.")],
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    task: Task = None,
    format: Annotated[str, typer.Option(help="text, json or markdown.")] = "text",
    fail_on: Annotated[
        list[str], typer.Option(help="What makes the exit code 1: result, any, none, or a group.")
    ] = [],  # noqa: B006
    params: Annotated[bool, typer.Option("--params", help="Compare parameter counts; loads torch.")] = False,
) -> None:
    """Compare two experiments by meaning.  Exit code 0: the same, 1: different, 2: cannot compare."""
    from seqspec.compile import commands

    over = commands.overlays(profile, set, task)
    finish(commands.diff(a, b, over=over, format=format, fail_on=fail_on, params=params))


@specs.command(name="list")
def list_(
    slot: Annotated[str | None, typer.Argument(help="A slot, such as encoder.")] = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """List the components that a spec can name."""
    from seqspec.compile import commands

    finish(commands.list_components(slot, plugins=plugin))


@specs.command()
def schema(
    output: Annotated[
        Path | None, typer.Option(help="Write the schema here and print the modeline for specs.")
    ] = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Print the language as JSON Schema, for editors."""
    from seqspec.compile import commands

    finish(commands.schema(output, plugins=plugin))


@specs.command()
def new(
    task: Annotated[str | None, typer.Argument(help="What to learn; left out, the tasks are listed.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the spec here; an existing file is left alone.")
    ] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", help="Look at this table or folder, and write a spec for it.")
    ] = None,
) -> None:
    """Print a commented spec to start from."""
    from seqspec.compile import commands

    finish(commands.new(task, output=output, data=from_))


@specs.command()
def lsp() -> None:
    """Serve editors over standard input and output (Language Server Protocol)."""
    try:
        from seqspec.lsp.server import serve
    except ModuleNotFoundError as error:
        typer.echo(f"`seqspec lsp` needs {error.name}: pip install 'seqspec-compiler[lsp]'", err=True)
        raise typer.Exit(2) from None
    serve()


@specs.command()
def doctor(
    spec: Annotated[Path, typer.Argument(help="The experiment, or a run directory.")],
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    task: Task = None,
    html: Html = None,
    steps: Annotated[int, typer.Option(min=1, help="Most steps of learning a few examples by heart.")] = 400,
    quiet: Quiet = False,
    format: Form = "text",
) -> None:
    """Examine the compiled experiment on a few examples: checks M01 to M20; of a run directory its best
    weights: M21 to M23, an attention that never aligns, a generator and a posterior that have collapsed.
    Exit code 1 where one found an error.
    """
    from seqspec.compile.commands import overlays
    from seqspec.runtime.commands import corpus

    over = overlays(profile, set, task)
    finish(corpus.doctor(spec, over=over, html=html, steps=steps, quiet=quiet, format=format))
