"""Commands that train, evaluate and repeat experiments; torch loads only inside them."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from seqspec.cli_options import (
    Checkpoint,
    Device,
    Form,
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

train = typer.Typer()


Strategy = Annotated[
    Literal["auto", "ddp", "fsdp", "tp"],
    typer.Option(
        help="How devices share a step: ddp keeps the model whole on each, fsdp shards it, tp splits heads."
    ),
]
TensorParallel = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="With --strategy tp or fsdp: devices that split each layer; groups of them share batches.",
    ),
]

Peers = Annotated[
    str | None,
    typer.Option(help="Share steps with whoever comes to this folder or s3://…, may leave and may die."),
]


@train.command()
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
    pause_at: Annotated[
        int | None, typer.Option(min=1, help="Stop with a checkpoint after this step; --resume goes on.")
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
    strategy: Strategy = "auto",
    tensor_parallel: TensorParallel = None,
    precision: Precision = None,
    workers: Workers = None,
    threads: Threads = None,
    compile: Annotated[bool, typer.Option("--compile", help="Use torch.compile.")] = False,
    profiler: Annotated[
        bool, typer.Option("--profiler", help="Write where the time goes into the run directory.")
    ] = False,
    logger: Annotated[
        list[str],
        typer.Option(help="Log to csv, mlflow or wandb too, beside TensorBoard's files; may be repeated."),
    ] = [],  # noqa: B006
    peers: Peers = None,
    quiet: Quiet = False,
    format: Form = "text",
) -> None:
    """Train and evaluate an experiment; the last line printed is the run directory."""
    from seqspec.runtime.commands import runs as commands
    from seqspec.runtime.devices.launch import Launch
    from seqspec.runtime.devices.unread_output import outliving_readers

    launch = Launch(
        device, devices, nodes, strategy, precision, workers, threads, compile, profiler, quiet,
        tuple(logger), tensor_parallel, pause_at, peers,
    )  # fmt: skip
    over = commands.overlays(profile, set, task)
    with outliving_readers():
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


@train.command()
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


@train.command()
def sweep(
    spec: Spec,
    space: Annotated[
        list[str],
        typer.Option(help="A setting and its range: 'path={log_uniform: [a, b]}'; may be repeated."),
    ] = [],  # noqa: B006
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials in all; a grid has no more than its points.")
    ] = None,
    parallel: Annotated[int | None, typer.Option(min=1, help="Trials that this worker runs at once.")] = None,
    study: Annotated[
        Path, typer.Option(help="The study's directory; an existing one is gone on with.")
    ] = Path("study"),
    sampler: Annotated[
        Literal["tpe", "random", "grid", "sobol", "cmaes"] | None,
        typer.Option(help="How trials are suggested."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What decides, such as bleu or dev.bleu; left out, the spec's first.")
    ] = None,
    direction: Annotated[
        Literal["minimize", "maximize"] | None, typer.Option(help="Left out, the metric knows.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Decides the suggestions.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Runs of each trial, with as many seeds.")] = None,
    generation: Annotated[
        int | None, typer.Option(min=2, help="Trials that are suggested before their results are heard.")
    ] = None,
    rung: Annotated[
        list[int] | None, typer.Option(min=1, help="A step at which only the best go on; may be repeated.")
    ] = None,
    keep: Annotated[int, typer.Option(min=2, help="One trial in so many goes on from a --rung.")] = 3,
    repeat: Annotated[
        int | None, typer.Option(min=1, help="Train so many of the best trials with three seeds.")
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(min=1, help="Optimiser steps of all runs; only trials that fit are run."),
    ] = None,
    profile: Profiles = [],  # noqa: B006
    set: Sets = [],  # noqa: B006
    device: Device = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each run.")] = 1,
    quiet: Quiet = False,
    format: Form = "text",
) -> None:
    """Search settings: each trial a run, the study a log that any number of workers share and resume.

    What is left out is as the spec's `sweep` says.
    """
    from seqspec.runtime.commands import sweep as commands
    from seqspec.runtime.devices.unread_output import outliving_readers
    from seqspec.schema.sections.sweep import Halving, Repeat

    section = {
        "trials": trials, "parallel": parallel, "sampler": sampler, "metric": metric,
        "direction": direction, "seed": seed, "seeds": seeds, "generation": generation, "budget": budget,
        "halving": Halving(rungs=rung, keep=keep) if rung else None,
        "repeat": Repeat(best=repeat) if repeat else None,
    }  # fmt: skip
    request = commands.Request(
        spec, study, tuple(profile), tuple(set), tuple(space), section, threads=threads, device=device
    )
    with outliving_readers():
        finish(commands.sweep(request, quiet=quiet, format=format))


@train.command()
def launch(
    spec: Spec,
    on: Annotated[Literal["slurm", "kubernetes", "skypilot", "ray"], typer.Option(help="The engine.")],
    nodes: Annotated[int, typer.Option(min=1, help="Machines.")] = 1,
    per_node: Annotated[int, typer.Option(min=1, help="Processes a machine, each with its own device.")] = 1,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to compute.")] = "cuda",
    strategy: Strategy = "auto",
    tensor_parallel: TensorParallel = None,
    peers: Peers = None,
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

    place = Placement(
        "",
        nodes,
        per_node,
        device,
        cpus,
        accelerator,
        memory,
        time,
        image,
        tuple(env),
        strategy,
        tensor_parallel,
        peers,
    )
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


@train.command()
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


@train.command()
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


@train.command()
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


@train.command()
def report(
    run: Run,
    output: Annotated[Path | None, typer.Option(help="Where to write; left out, in the run.")] = None,
) -> None:
    """Write the report of a run anew."""
    from seqspec.runtime.commands import runs as commands

    finish(commands.report(run, output=output))
