"""What the commands that never load torch do: text in, text and an exit code out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from seqspec.compile.diagnostics.report import render
from seqspec.compile.resolve.resolve import Overlay
from seqspec.schema.catalogue import SLOTS, Catalogue, PluginError
from seqspec.schema.diagnostic import DataError, Exit, RunError, SpecError

Table = Literal["plan", "params", "cost", "batches"]


class Outcome(NamedTuple):
    """What a command prints, and what it exits with."""

    out: str = ""
    error: str = ""
    exit: int = Exit.CLEAN
    whole: bool = True
    """False of a part of a work whose other parts are still to be done."""


def overlays(profiles: Sequence[str], sets: Sequence[str], task: str | None = None) -> tuple[Overlay, ...]:
    """The overlays of a command line: profiles in order, then values; of several tasks, one by itself."""
    chosen = () if task is None else (Overlay.task(task),)
    return (*map(Overlay.profile, profiles), *map(Overlay.set, sets), *chosen)


def explain(
    subject: str,
    *,
    path: str | None,
    over: Sequence[Overlay],
    table: Table = "plan",
    plugins: Sequence[str] = (),
    devices: int | None = None,
    gpu: str = "h100",
    tensor_parallel: int | None = None,
) -> Outcome:
    """``seqspec explain SUBJECT [PATH]``; the tables beside the plan need torch or the corpus.

    ``devices``, ``gpu`` and ``tensor_parallel``: how the cost is shared.
    """
    from seqspec.compile.explain.explain import NothingToExplain
    from seqspec.compile.explain.explain import explain as page

    try:
        if devices is not None:
            return _shared_cost(
                Path(subject), over, table, devices=devices, gpu=gpu, tensor_parallel=tensor_parallel
            )
        if tensor_parallel is not None:
            return _usage("--tensor-parallel is for --devices")
        if table != "plan":
            return Outcome(_table(Path(subject), over, table))
        return Outcome(page(subject, path=path, overlays=over, plugins=tuple(plugins)))
    except (NothingToExplain, PluginError) as error:
        return _usage(str(error))
    except DataError as error:
        return Outcome(error=f"{error}\n" + (f"help: {error.help}\n" if error.help else ""), exit=Exit.DATA)
    except (SpecError, OSError) as error:
        return _refused(error)


def _shared_cost(
    file: Path,
    over: Sequence[Overlay],
    table: Table,
    *,
    devices: int,
    gpu: str,
    tensor_parallel: int | None,
) -> Outcome:
    """The cost, and what it is of each of several devices."""
    from seqspec.compile.cost.devices import DEVICES, shared_cost, ungrouped
    from seqspec.compile.language.suggestions import nearest

    if table != "cost":
        return _usage("--devices is for --cost")
    device = DEVICES.get(gpu.lower())
    if device is None:
        close = nearest(gpu.lower(), tuple(DEVICES))
        hint = f"did you mean `{close}`?" if close else f"known are {', '.join(DEVICES)}"
        return _usage(f"no device is called `{gpu}`; {hint}")
    told = ungrouped(tensor_parallel, devices=devices) if tensor_parallel is not None else None
    if told:
        return _usage(told)
    from seqspec.compile.pipeline import compile

    compiled = compile(file / "spec.yaml" if file.is_dir() else file, overlays=over)
    try:
        lines = shared_cost(compiled, devices=devices, device=device, tensor_parallel=tensor_parallel)
    except RunError as error:
        return _usage(f"{error}; {error.help}")
    return Outcome("\n".join(lines) + "\n")


def _table(file: Path, over: Sequence[Overlay], table: Table) -> str:
    from seqspec.compile.pipeline import compile

    compiled = compile(file / "spec.yaml" if file.is_dir() else file, overlays=over)
    if table == "params":
        from seqspec.compile.cost.parameter_table import parameter_table

        return parameter_table(compiled)
    if table == "cost":
        from seqspec.compile.cost.cost import cost, cost_lines

        return "\n".join(cost_lines(cost(compiled))) + "\n"
    from seqspec.compile.explain.epochs import epoch_text

    return epoch_text(compiled)


def diff(
    a: str, b: str, *, over: Sequence[Overlay], format: str, fail_on: Sequence[str], params: bool
) -> Outcome:
    """``seqspec diff A B``: exit 0 for the same meaning, 1 for another, 2 where they cannot be compared."""
    from seqspec.compile.diff.compare_specs import differences
    from seqspec.compile.diff.diff_text import Format
    from seqspec.compile.diff.diff_text import render as show
    from seqspec.compile.diff.git_tree import NotFound
    from seqspec.compile.diff.plan_diff import GROUPS

    causes = (
        "result",
        "speed",
        "cosmetic",
        "any",
        "none",
        *(group for group in GROUPS if group != "cosmetic"),
    )
    formats: tuple[Format, ...] = get_args(Format)
    chosen = next((one for one in formats if one == format), None)
    if chosen is None:
        return _usage(f"there is no format `{format}`; there are {', '.join(formats)}")
    unknown = [name for name in fail_on if name not in causes]
    if unknown:
        return _usage(f"`--fail-on {unknown[0]}` is none of {', '.join(causes)}")
    try:
        found = differences(a, b, overlays=over, parameters=params)
    except NotFound as error:
        return _usage(str(error))
    except (SpecError, OSError) as error:
        return _refused(error, exit=Exit.USAGE)
    effects = frozenset(effect for item in found for effect in item.effects)
    asked = frozenset(fail_on or ("result",))
    differs = bool(effects & asked) or ("any" in asked and bool(effects))
    text = show(found, format=chosen)
    told = "" if text else "no difference in meaning\n"
    if any(item.invalid for item in found):
        return Outcome(text, told, exit=Exit.USAGE)
    return Outcome(text, told, exit=Exit.DIAGNOSTICS if differs else Exit.CLEAN)


def list_components(slot: str | None, *, plugins: Sequence[str] = ()) -> Outcome:
    """``seqspec list [SLOT]``."""
    from seqspec.compile.language.suggestions import nearest
    from seqspec.compile.reference.component_page import catalogue_text

    if slot is not None and slot not in SLOTS:
        close = nearest(slot, SLOTS)
        hint = f"did you mean `{close}`?" if close else f"there are {', '.join(SLOTS)}"
        return _usage(f"there is no slot `{slot}`; {hint}")
    try:
        return Outcome(catalogue_text(Catalogue(tuple(plugins)), slot=slot))
    except PluginError as error:
        return _usage(str(error))


def schema(output: Path | None, *, plugins: Sequence[str] = ()) -> Outcome:
    """``seqspec schema``: the document, or, written to a file, the line that points a spec to it."""
    from seqspec.compile.reference.json_schema import json_schema, modeline

    try:
        text = json.dumps(json_schema(Catalogue(tuple(plugins))), indent=1, ensure_ascii=False) + "\n"
    except PluginError as error:
        return _usage(str(error))
    if output is None:
        return Outcome(text)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        return _unwritable(error, output)
    return Outcome(modeline(str(output)) + "\n")


def new(task: str | None, *, output: Path | None, data: Path | None = None) -> Outcome:
    """``seqspec new TASK`` or ``seqspec new --from PATH``; an existing file is never written over."""
    from seqspec.compile.reference.starting_specs import NoSuchTask, bases, task_list, template

    if task is None and data is None:
        return Outcome(task_list() + "\n")
    if task is not None and data is not None:
        return _usage("a task and --from exclude each other: --from tells the task by the data")
    try:
        text = _drafted(data) if data is not None else template(task or "")
        beside = bases(text) if data is None else {}
        if output is None:
            return Outcome(text, error=_bases_note(task, beside))
        if output.suffix.lower() == ".toml":
            text = _as_toml(text, output)
        with open(output, "x", encoding="utf-8") as file:
            file.write(text)
        for name, base in beside.items():
            if not (place := output.with_name(name)).exists():
                place.write_text(base, encoding="utf-8")
    except DataError as error:
        return Outcome(
            error=f"error: {error}\n" + (f"  = help: {error.help}\n" if error.help else ""), exit=Exit.DATA
        )
    except NoSuchTask as error:
        return _usage(str(error))
    except FileExistsError:
        return _usage(f"{output} is there already, and is not written over: name another file")
    except OSError as error:
        beside_it = output is not None and Path(error.filename or "").parent == output.parent
        return _unwritable(error, output) if output is not None and beside_it else _refused(error)
    written = "".join(f"its base is {output.with_name(name)}\n" for name in beside)
    return Outcome(f"{output}\n", error=written)


def _bases_note(task: str | None, beside: Mapping[str, str]) -> str:
    names = ", ".join(f"`{name}`" for name in beside)
    return f"note: it extends {names}; `seqspec new {task} --output FILE` writes that too\n" if names else ""


def _as_toml(text: str, output: Path) -> str:
    from seqspec.compile.parse.yaml_reader import read
    from seqspec.compile.reference.toml_text import toml_text
    from seqspec.schema.source import Source

    return toml_text(read(Source(str(output), text)))


def _drafted(data: Path) -> str:
    from seqspec.compile.reference.draft import draft
    from seqspec.data.corpus.survey.survey import survey

    return draft(survey(data))


def _usage(message: str) -> Outcome:
    return Outcome(error=f"{message}\n", exit=Exit.USAGE)


def _unwritable(error: OSError, output: Path) -> Outcome:
    told = f"error: {error.filename or output} cannot be written: {error.strerror or error}\n"
    return Outcome(error=told + "  = help: name another place with --output\n", exit=Exit.STORAGE)


def _refused(error: SpecError | OSError, *, exit: Exit = Exit.DIAGNOSTICS) -> Outcome:
    if isinstance(error, SpecError):
        return Outcome(error=render(error.diagnostics, format="text", color=False), exit=exit)
    return _usage(f"{error.filename or 'file'}: {os.strerror(error.errno) if error.errno else error}")
