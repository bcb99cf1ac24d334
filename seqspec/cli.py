"""The command line: typed arguments, one call, one print.  torch loads only inside the commands that train or
build.
"""

import contextlib
import os
import sys
from copy import copy
from pathlib import Path
from typing import Annotated, Literal

import typer

import seqspec
from seqspec.cli_data import data
from seqspec.cli_options import (
    Checkpoint,
    Device,
    Form,
    Html,
    Plugins,
    Precision,
    Profiles,
    Quiet,
    Run,
    RunTask,
    Sets,
    Spec,
    Task,
    Threads,
    Workers,
    finish,
)

app = typer.Typer(
    name="seqspec",
    help="A compiler for experiments with sequence models.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data, name="data")


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


@app.command()
def run(
    spec: Annotated[Path | None, typer.Argument(help="The experiment.")] = None,
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    task: Task = None,
    runs: Annotated[Path, typer.Option(help="Where run directories go.")] = Path("runs"),
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with this run directory; with SPEC, `auto` is the newest of its plan."),
    ] = None,
    until: Annotated[
        int | None, typer.Option(min=1, help="With --resume: go on to this step, beyond the plan's last.")
    ] = None,
    locked: Annotated[
        bool, typer.Option("--locked", help="Refuse to start where anything differs from the lock.")
    ] = False,
    lock: Annotated[Path | None, typer.Option(help="The lock; left out, the one beside the spec.")] = None,
    allow_drift: Annotated[
        bool, typer.Option("--allow-drift", help="Resume although something differs.")
    ] = False,
    device: Device = "auto",
    devices: Annotated[int, typer.Option(min=1, help="Devices (processes) that share each step.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines, each started on its own.")] = 1,
    strategy: Annotated[Literal["auto", "ddp"], typer.Option(help="How devices share a step.")] = "auto",
    precision: Precision = None,
    workers: Workers = None,
    threads: Threads = None,
    compile: Annotated[bool, typer.Option("--compile", help="Use torch.compile.")] = False,
    profiler: Annotated[
        bool, typer.Option("--profiler", help="Write where the time goes into the run directory.")
    ] = False,
    quiet: Quiet = False,
    format: Form = "text",
) -> None:
    """Train and judge an experiment; the last line printed is the run directory."""
    from seqspec.runtime.commands import runs as commands
    from seqspec.runtime.devices.launch import Launch

    launch = Launch(device, devices, nodes, strategy, precision, workers, threads, compile, profiler, quiet)
    over = commands.overlays(profile, set, task)
    finish(
        commands.run(
            spec,
            over=over,
            runs=runs,
            resume=resume,
            locked=locked,
            lock=lock,
            allow_drift=allow_drift,
            until=until,
            launch=launch,
            format=format,
            command=["seqspec", *sys.argv[1:]],
        )
    )


@app.command()
def evaluate(
    run: Run,
    split: Annotated[str, typer.Option(help="train, dev, dev_other, test or test_other.")] = "dev",
    task: RunTask = None,
    checkpoint: Checkpoint = "best",
    set: Sets = [],  # noqa: B006
    output: Annotated[
        Path | None, typer.Option(help="Folder for predictions and record; left out, the run's own.")
    ] = None,
    device: Device = "auto",
    workers: Workers = None,
    threads: Threads = None,
    format: Form = "text",
) -> None:
    """Evaluate a run on a split, with the vocabulary, classes and statistics that it has learned."""
    from seqspec.runtime.commands import runs as commands
    from seqspec.runtime.devices.launch import Launch

    launch = Launch(device=device, workers=workers, threads=threads)
    over = commands.overlays([], set)
    finish(
        commands.evaluate(
            run,
            split=split,
            task=task,
            checkpoint=checkpoint,
            over=over,
            launch=launch,
            format=format,
            output=output,
        )
    )


@app.command()
def sweep(
    spec: Spec,
    space: Annotated[
        list[str],
        typer.Option(help="A setting and its range: 'path={log_uniform: [a, b]}'; may be repeated."),
    ] = [],  # noqa: B006
    trials: Annotated[
        int, typer.Option(min=1, help="Trials in all; a grid has no more than its points.")
    ] = 20,
    parallel: Annotated[int, typer.Option(min=1, help="Trials that this worker runs at once.")] = 1,
    study: Annotated[
        Path, typer.Option(help="The study's directory; an existing one is gone on with.")
    ] = Path("study"),
    sampler: Annotated[
        Literal["tpe", "random", "grid", "sobol", "cmaes"], typer.Option(help="How trials are suggested.")
    ] = "tpe",
    metric: Annotated[
        str | None, typer.Option(help="What decides, such as bleu or dev.bleu; left out, the spec's first.")
    ] = None,
    direction: Annotated[
        Literal["minimize", "maximize"] | None, typer.Option(help="Left out, the metric knows.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides the suggestions.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each trial, with as many seeds.")] = 1,
    generation: Annotated[
        int | None, typer.Option(min=2, help="Trials that are suggested before their results are heard.")
    ] = None,
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    device: Device = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each run.")] = 1,
    quiet: Quiet = False,
    format: Form = "text",
) -> None:
    """Search settings: each trial a run, the study a log that any number of workers share and resume."""
    from seqspec.runtime.commands import sweep as commands

    request = commands.Request(
        spec=spec,
        profiles=tuple(profile),
        sets=tuple(set),
        space=tuple(space),
        trials=trials,
        parallel=parallel,
        study=study,
        sampler=sampler,
        metric=metric,
        direction=direction,
        seed=seed,
        seeds=seeds,
        generation=generation,
        threads=threads,
        device=device,
    )
    finish(commands.sweep(request, quiet=quiet, format=format))


@app.command()
def launch(
    spec: Spec,
    on: Annotated[Literal["slurm", "kubernetes", "skypilot", "ray"], typer.Option(help="The engine.")],
    nodes: Annotated[int, typer.Option(min=1, help="Machines.")] = 1,
    per_node: Annotated[int, typer.Option(min=1, help="Processes a machine, each with its own device.")] = 1,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to compute.")] = "cuda",
    cpus: Annotated[int, typer.Option(min=1, help="Cores a process.")] = 4,
    accelerator: Annotated[str | None, typer.Option(help="Kind of device, such as A100.")] = None,
    memory: Annotated[str | None, typer.Option(help="Main memory a machine, such as 64G.")] = None,
    time: Annotated[str | None, typer.Option(help="Wall time, such as 1-00:00:00.")] = None,
    image: Annotated[str | None, typer.Option(help="Container image with seqspec in it.")] = None,
    env: Annotated[
        list[str], typer.Option(help="Hand over this environment variable, by name; may be repeated.")
    ] = [],  # noqa: B006
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    runs: Annotated[Path, typer.Option(help="Where run directories go, as the machines see it.")] = Path(
        "runs"
    ),
    output: Annotated[Path | None, typer.Option(help="Write the job here instead of printing it.")] = None,
    submit: Annotated[bool, typer.Option("--submit", help="Hand it to the engine's client.")] = False,
) -> None:
    """Check a spec and write the job of a cluster that runs it; a job that is started again goes on."""
    from seqspec.runtime.commands.launch import launch as launched
    from seqspec.runtime.jobs.placement import Placement

    place = Placement("", nodes, per_node, device, cpus, accelerator, memory, time, image, tuple(env))
    finish(
        launched(
            spec,
            on=on,
            placement=place,
            profiles=profile,
            sets=set,
            runs=runs,
            output=output,
            submitted=submit,
        )
    )


@app.command()
def lock(
    spec: Spec,
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    task: Task = None,
    output: Annotated[Path | None, typer.Option(help="Where to write; left out, beside the spec.")] = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Write down everything that decides a run's bits: data, dictionaries, code, versions, machine."""
    from seqspec.runtime.commands import runs as commands
    from seqspec.runtime.devices.launch import Launch

    launch = Launch(device=device, threads=threads)
    finish(commands.lock(spec, over=commands.overlays(profile, set, task), output=output, launch=launch))


@app.command()
def reproduce(
    run: Annotated[Path, typer.Argument(help="A run directory, or a lock.")],
    set: Sets = [],  # noqa: B006
    runs: Annotated[Path, typer.Option(help="Where run directories go.")] = Path("runs"),
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Run again from the lock and compare metrics and weights to the bit.  Exit code 7: something differs."""
    from seqspec.runtime.commands import runs as commands
    from seqspec.runtime.devices.launch import Launch

    launch = Launch(device=device, quiet=quiet)
    over = commands.overlays([], set)
    command = ("seqspec", *sys.argv[1:])
    finish(commands.reproduce(run, runs=runs, launch=launch, command=command, over=over))


@app.command()
def average(
    run: Run,
    output: Annotated[Path, typer.Option(help="The safetensors file to write.")],
    last: Annotated[
        int | None, typer.Option(min=1, help="How many of the newest checkpoints; left out, all.")
    ] = None,
) -> None:
    """Write the mean of a run's checkpoints as one safetensors file."""
    from seqspec.runtime.commands import runs as commands

    finish(commands.average(run, output=output, last=last))


@app.command()
def report(
    run: Run,
    output: Annotated[Path | None, typer.Option(help="Where to write; left out, in the run.")] = None,
) -> None:
    """Write the report of a run anew."""
    from seqspec.runtime.commands import runs as commands

    finish(commands.report(run, output=output))


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Run directories; the first is what others are compared with.")
    ],
    html: Annotated[Path | None, typer.Option(help="Write a page with curves here.")] = None,
    format: Annotated[
        Literal["text", "json", "markdown"], typer.Option(help="How the result is printed.")
    ] = "text",
) -> None:
    """Compare runs: settings that differ, scores with intervals and significance, cost.  Exit code 1: some do
    not compare.
    """
    from seqspec.runtime.commands import compare as commands

    finish(commands.compare(runs, format=format, html=html))


@app.command()
def runs(
    folder: Annotated[Path, typer.Argument(help="Where run directories are.")] = Path("runs"),
    format: Form = "text",
) -> None:
    """List runs: name, state, score and age, the youngest first."""
    from seqspec.runtime.commands import compare as commands

    finish(commands.runs(folder, format=format))


@app.command()
def describe(
    run: Run,
    form: Annotated[
        Literal["card", "croissant", "mlflow", "dvc", "ro-crate"],
        typer.Option(
            "--as", help="A model card, the data as Croissant, or a run for MLflow, DVC or RO-Crate."
        ),
    ] = "card",
    license: Annotated[
        str | None, typer.Option(help="The licence of corpus and weights, such as cc-by-4.0.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where to write; left out, standard output.")] = None,
    task: RunTask = None,
) -> None:
    """Describe a run in a format that others read; the same run gives the same bytes."""
    from seqspec.runtime.commands import describe as commands

    finish(commands.describe(run, form=form, licence=license, output=output, task=task))


@app.command()
def predict(
    run: Run,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(help="Recordings, pictures, text files, tables or folders; left out, standard input."),
    ] = None,
    task: RunTask = None,
    checkpoint: Checkpoint = "best",
    nbest: Annotated[int, typer.Option(min=1, help="Hypotheses for each input.")] = 1,
    scores: Annotated[bool, typer.Option("--scores", help="Print scores before the text.")] = False,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Print the probability of every class.")
    ] = False,
    column: Annotated[
        str | None, typer.Option(help="Column to read of tables; left out, the one that was trained on.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write here; .csv, .tsv and .jsonl choose the format.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for sound, images, masks, frames and vectors; the table names the files."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="torch, or ctranslate2 or ctranslate2-int8 where it knows the model.")
    ] = "torch",
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="A line a word with its start and end in seconds (CTC).")
    ] = False,
    align: Annotated[
        Path | None,
        typer.Option(help="Transcripts (a line: name, blank, text) to find in the recordings (CTC)."),
    ] = None,
    set: Sets = [],  # noqa: B006
    device: Device = "auto",
    threads: Threads = None,
    format: Annotated[
        Literal["text", "json", "jsonl", "csv", "tsv"] | None,
        typer.Option(help="text, json or jsonl (an object a line), csv or tsv (all columns of a table)."),
    ] = None,
) -> None:
    """Use a run: transcribe recordings, translate lines, label texts or pictures."""
    from seqspec.runtime.commands import runs as commands
    from seqspec.runtime.devices.launch import Launch

    launch = Launch(device=device, threads=threads)
    over = commands.overlays([], set)
    finish(
        commands.predict(
            run,
            inputs=inputs or [],
            task=task,
            checkpoint=checkpoint,
            nbest=nbest,
            scores=scores,
            all_classes=probabilities,
            column=column,
            output=output,
            folder=out,
            engine=engine,
            over=over,
            launch=launch,
            format=format,
            timestamps=timestamps,
            align=align,
        )
    )


@app.command()
def export(
    run: Run,
    to: Annotated[
        str,
        typer.Option(
            help="What to write: safetensors, torch_export, onnx, ctranslate2, …; see docs/export.md."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option(help="Folder to write; left out, exports/TARGET in the run.")
    ] = None,
    checkpoint: Checkpoint = "best",
    split: Annotated[
        str | None, typer.Option(help="Compare on this split; left out, the first that the spec evaluates.")
    ] = None,
    inputs: Annotated[
        list[str], typer.Option(help="Compare on this text or file instead; may be repeated.")
    ] = [],  # noqa: B006
    task: RunTask = None,
    quantize: Annotated[
        Literal["int8", "int8_static"] | None, typer.Option(help="Weights of 8 bits, measured (onnx).")
    ] = None,
    calibrate: Annotated[str, typer.Option(help="Split that int8_static finds its scales on.")] = "train",
    evaluate: Annotated[
        str | None, typer.Option(help="Split that a quantised model is measured on; left out, --split's.")
    ] = None,
    set: Sets = [],  # noqa: B006
    threads: Threads = None,
    format: Form = "text",
) -> None:
    """Write a run for another runtime, and compare it there with the run.  Exit code 7: it differs."""
    from seqspec.compile.commands import overlays
    from seqspec.runtime.commands import export as commands

    request = commands.Request(
        run=run,
        target=to,
        output=output,
        checkpoint=checkpoint,
        split=split,
        inputs=tuple(inputs),
        quantize=quantize,
        calibrate=calibrate,
        evaluate=evaluate,
        over=overlays([], set),
        threads=threads,
        task=task,
    )
    finish(commands.export(request, format=format))


@app.command()
def serve(
    runs: Annotated[list[str], typer.Argument(help="Run directories, each as RUN or NAME=RUN.")],
    host: Annotated[str, typer.Option(help="Another than loopback needs SEQSPEC_TOKEN.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    checkpoint: Checkpoint = "best",
    engine: Annotated[
        str, typer.Option(help="torch, or ctranslate2 or ctranslate2-int8 where it knows the model.")
    ] = "torch",
    max_batch: Annotated[int, typer.Option(min=1, help="Inputs of several requests in one batch.")] = 32,
    wait_ms: Annotated[
        float, typer.Option(min=0, max=1000, help="Milliseconds that a batch waits for more inputs.")
    ] = 4.0,
    max_queue: Annotated[int, typer.Option(min=1, help="Inputs that wait; more are refused with 503.")] = 512,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds until a request is given up.")] = 60.0,
    max_body_mb: Annotated[float, typer.Option(min=0.001, help="Largest request, in MiB.")] = 25.0,
    threads: Threads = None,
) -> None:
    """Serve runs over HTTP: text, recordings and images in, predictions out; docs/serving.md."""
    from seqspec.runtime.commands import serve as commands

    finish(
        commands.serve(
            runs,
            host=host,
            port=port,
            checkpoint=checkpoint,
            engine=engine,
            max_batch=max_batch,
            wait_ms=wait_ms,
            max_queue=max_queue,
            timeout=timeout,
            max_body_mb=max_body_mb,
            threads=threads,
        )
    )


@app.command()
def demo(
    run: Run,
    port: Annotated[int, typer.Option(min=1, max=65535, help="On this machine alone.")] = 7860,
    checkpoint: Checkpoint = "best",
    threads: Threads = None,
    task: RunTask = None,
) -> None:
    """Show a page in the browser to try a run on: microphone, image or text in, prediction out."""
    from seqspec.runtime.commands import demo as commands

    finish(commands.demo(run, port=port, checkpoint=checkpoint, threads=threads, task=task))


@app.command()
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
        float | None, typer.Option(help="Most memory that training may take, in GiB.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; left out, one a core for many specs.")
    ] = None,
) -> None:
    """Say what is wrong with specs.  Exit code 0: nothing, 1: mistakes, 2: a file cannot be read."""
    from seqspec.compile import commands
    from seqspec.compile import validation as judge

    options = judge.Options(
        overlays=commands.overlays(profile, set, task),
        format=format,
        color=judge.wants_color(color),
        fix=fix,
        unsafe_fixes=unsafe_fixes,
        show_diff=diff,
        strict=strict,
        with_data=with_data,
        max_params=max_params,
        max_memory=max_memory,
        jobs=jobs,
    )
    verdict = judge.validate_specs(paths or [], options)
    finish(commands.Outcome(verdict.out, verdict.summary, verdict.exit))


@app.command()
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
    finish(commands.explain(subject, path=path, over=over, table=table, plugins=plugin))


@app.command()
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


@app.command(name="list")
def list_(
    slot: Annotated[str | None, typer.Argument(help="A slot, such as encoder.")] = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """List the components that a spec can name."""
    from seqspec.compile import commands

    finish(commands.list_components(slot, plugins=plugin))


@app.command()
def schema(
    output: Annotated[
        Path | None, typer.Option(help="Write the schema here and print the modeline for specs.")
    ] = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Print the language as JSON Schema, for editors."""
    from seqspec.compile import commands

    finish(commands.schema(output, plugins=plugin))


@app.command()
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


@app.command()
def lsp() -> None:
    """Serve editors over standard input and output (Language Server Protocol)."""
    try:
        from seqspec.lsp.server import serve
    except ModuleNotFoundError as error:
        typer.echo(f"`seqspec lsp` needs {error.name}: pip install 'seqspec-compiler[lsp]'", err=True)
        raise typer.Exit(2) from None
    serve()


@app.command()
def doctor(
    spec: Spec,
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    task: Task = None,
    html: Html = None,
    steps: Annotated[int, typer.Option(min=1, help="Most steps of learning a few examples by heart.")] = 400,
    quiet: Quiet = False,
    format: Form = "text",
) -> None:
    """Examine the compiled experiment on a few examples: checks M01 to M20.  Exit code 1 where one found an
    error.
    """
    from seqspec.compile.commands import overlays
    from seqspec.runtime.commands import corpus

    over = overlays(profile, set, task)
    finish(corpus.doctor(spec, over=over, html=html, steps=steps, quiet=quiet, format=format))


def main() -> None:
    """Entry point of the ``seqspec`` command."""
    # Looking for plugins of pydantic costs a fifth of the time of `validate`, and we use none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
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
    with contextlib.suppress(OSError), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    place = error.filename or "standard output"
    told = f"error: {place}: {error.strerror or error}\n  = help: make room there, or write to another place"
    with contextlib.suppress(OSError):
        typer.echo(told, err=True)
    raise SystemExit(2)


def _bug(error: Exception) -> str:
    """What a person is told when the fault is ours."""
    import traceback

    from seqspec.compile.diagnostics.plugin_errors import plugin_failure

    failure = plugin_failure(error)
    if failure is not None:
        return (
            f"error[SQ141 plugin-failed]: the plugin `{failure.package}` failed: {failure.message}\n"
            "  = help: its authors can mend it; SEQSPEC_DEBUG=1 shows where"
        )
    last = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return (
        f"error[SQ900 internal]: {what}\n  --> {Path(last.filename).name}:{last.lineno}\n"
        "  = help: this is a fault of seqspec; SEQSPEC_DEBUG=1 shows the traceback to report"
    )


if __name__ == "__main__":
    main()
