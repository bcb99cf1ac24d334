"""Commands that use what was trained; torch loads only inside those that need it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from seqspec.cli_options import Checkpoint, Device, Form, Run, RunTask, Sets, Threads, finish

results = typer.Typer()


@results.command()
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


@results.command()
def runs(
    folder: Annotated[Path, typer.Argument(help="Where run directories are.")] = Path("runs"),
    format: Form = "text",
) -> None:
    """List runs: name, state, score and age, the youngest first."""
    from seqspec.runtime.commands import compare as commands

    finish(commands.runs(folder, format=format))


@results.command()
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


@results.command()
def predict(
    run: Run,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Recordings, images, points, clips, texts, tables or folders; left out, standard input."
        ),
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
        typer.Option(
            help="Folder for sound, images, masks, points, clips and vectors; the table names the files."
        ),
    ] = None,
    vectors: Annotated[
        Path | None, typer.Option(help="Write all predicted vectors here, the rows of one .npy file.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="torch, compiled (one input at a time), ctranslate2 or ctranslate2-int8.")
    ] = "torch",
    timestamps: Annotated[
        bool,
        typer.Option(
            "--timestamps", help="A line a word (CTC) or segment (Whisper) with its start and end in seconds."
        ),
    ] = False,
    align: Annotated[
        Path | None,
        typer.Option(help="Transcripts (a line: name, blank, text) to find in the recordings (CTC)."),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="What every input has in a further field: speaker=anna, category=Mug."),
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Hear standard input as it comes: raw 16-bit samples, or WAV.")
    ] = False,
    end_silence: Annotated[
        float | None,
        typer.Option(min=0.01, help="With --stream: seconds of silence after speech that end an utterance."),
    ] = None,
    max_utterance: Annotated[
        float | None, typer.Option(min=0.1, help="With --stream: seconds of an utterance, at most.")
    ] = None,
    set: Sets = [],  # noqa: B006
    device: Device = "auto",
    threads: Threads = None,
    format: Annotated[
        Literal["text", "json", "jsonl", "csv", "tsv"] | None,
        typer.Option(help="text, json or jsonl (an object a line), csv or tsv (all columns of a table)."),
    ] = None,
) -> None:
    """Use a run: transcribe recordings, translate lines, label texts or images."""
    from seqspec.runtime.commands import runs as commands
    from seqspec.runtime.devices.launch import Launch

    launch = Launch(device=device, threads=threads)
    over = commands.overlays([], set)
    if stream:
        from seqspec.runtime.commands.listen import listen

        idle = {"inputs": inputs, "--nbest": nbest > 1, "--scores": scores, "--probabilities": probabilities,
                "--column": column, "--out": out, "--vectors": vectors, "--engine": engine != "torch",
                "--align": align, "--field": field}  # fmt: skip
        finish(
            listen(
                run, idle=[name for name, given in idle.items() if given], task=task, checkpoint=checkpoint,
                output=output, over=over, launch=launch, format=format, timestamps=timestamps,
                end_silence=end_silence, max_utterance=max_utterance,
            )
        )  # fmt: skip
    if end_silence is not None or max_utterance is not None:
        raise typer.BadParameter("--end-silence and --max-utterance part what --stream hears")
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
            vectors=vectors,
            engine=engine,
            over=over,
            launch=launch,
            format=format,
            timestamps=timestamps,
            align=align,
            fields=field or (),
        )
    )


@results.command()
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
        Literal["int8", "int8_static", "int8_weights", "int4_weights"] | None,
        typer.Option(help="Weights of 8 or 4 bits, measured (onnx)."),
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


@results.command()
def serve(
    runs: Annotated[list[str], typer.Argument(help="Run directories, each as RUN or NAME=RUN.")],
    host: Annotated[str, typer.Option(help="Another than loopback needs SEQSPEC_TOKEN.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    checkpoint: Checkpoint = "best",
    engine: Annotated[
        str, typer.Option(help="torch, compiled (one input at a time), ctranslate2 or ctranslate2-int8.")
    ] = "torch",
    max_batch: Annotated[int, typer.Option(min=1, help="Inputs of several requests in one batch.")] = 32,
    wait_ms: Annotated[
        float, typer.Option(min=0, max=1000, help="Milliseconds that a batch waits at most for more inputs.")
    ] = 10.0,
    max_queue: Annotated[int, typer.Option(min=1, help="Inputs that wait; more are refused with 503.")] = 512,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds until a request is given up.")] = 60.0,
    max_body_mb: Annotated[float, typer.Option(min=0.001, help="Largest request, in MiB.")] = 25.0,
    max_characters: Annotated[int, typer.Option(min=1, help="Of one text; longer are refused.")] = 20_000,
    max_seconds: Annotated[
        float, typer.Option(min=0.1, help="Of one recording, or of one that is heard live.")
    ] = 120.0,
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
            max_characters=max_characters,
            max_seconds=max_seconds,
            threads=threads,
        )
    )


@results.command()
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
