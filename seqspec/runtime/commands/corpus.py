"""What ``seqspec data prepare``, ``seqspec data inspect`` and ``seqspec doctor`` do."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.commands import Outcome
from seqspec.compile.diagnostics.report import located
from seqspec.compile.language.suggestions import which
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.data.progress import Progress, bar, silent
from seqspec.data.stages.first_look import first_look
from seqspec.data.stages.packing import PackedSplit
from seqspec.data.stages.prepare import Prepared, prepare_shard
from seqspec.data.stages.prepare import prepare as prepare_parts
from seqspec.data.stages.push import push
from seqspec.data.stages.row_shards import Shard
from seqspec.data.store.cache import default_cache
from seqspec.data.store.prepared_store import PreparedStore
from seqspec.runtime.commands.guard import guarded
from seqspec.schema.diagnostic import DataError, Exit, RunError

if TYPE_CHECKING:
    from seqspec.data.inspect.inspection import Inspection
    from seqspec.data.stages.parts import DataParts

Format = Literal["text", "json"]


def prepare(
    spec: Path,
    *,
    over: Sequence[Overlay],
    splits: Sequence[str],
    processes: int | None,
    verify: bool,
    quiet: bool,
    format: Format,
    shard: str | None = None,
    pushed: str | None = None,
) -> Outcome:
    """``seqspec data prepare SPEC``: make what the experiment reads, or find it made.

    ``shard`` is ``I/N``: make part I of N, from 1, and the whole where all other parts are there.
    ``pushed`` is the address that what was prepared is copied to.
    """

    def work() -> Outcome:
        progress = silent if quiet else bar
        store = None if pushed is None else PreparedStore.at(pushed, progress, said="--push")
        if store is not None:
            store.begin()
        if shard is not None:
            mine, lacking = shard_of(shard), list[object]()
            missing = _missing_shards(mine, spec, over, splits, processes, verify, quiet, lacking)
            if missing:
                return _unfinished(mine, missing, lacking, format)
        found: dict[str, dict[str, Any]] = {}
        warnings: list[object] = []
        for task, compiled in compile_spec(spec, overlays=over).each.items():
            with located(compiled.tree, profiles=compiled.profiles):
                prepared, absent = prepare_present(
                    build_data(compiled.plan),
                    splits=splits,
                    progress=progress,
                    processes=processes,
                    verify=verify,
                )
            found[task] = summarize(prepared)
            if store is not None:
                found[task]["pushed"] = asdict(push(prepared, store, verify=verify))
            warnings += [*absent, *first_look(prepared)]
        text = "".join((f"task {task}\n" if task else "") + told(summary) for task, summary in found.items())
        if format == "json":
            text = json.dumps(found.get("", {"tasks": found}), ensure_ascii=False) + "\n"
        return Outcome(text, "".join(f"warning: {warning}\n" for warning in warnings))

    return guarded(work)


def shard_of(text: str) -> Shard:
    """The shard that ``I/N`` names; raises ``RunError`` where it names none."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise RunError(
            f"`--shard {text}` is no part of a whole",
            exit=Exit.USAGE,
            help="write the part, from 1, and how many there are: `--shard 1/8` to `--shard 8/8`",
        )
    return Shard(number, of)


def _missing_shards(
    shard: Shard,
    spec: Path,
    over: Sequence[Overlay],
    splits: Sequence[str],
    processes: int | None,
    verify: bool,
    quiet: bool,
    absent: list[object],
) -> set[int]:
    """Work the shard out, of every task; gives those that are missing, and notes splits that are absent."""
    missing = set[int]()
    for compiled in compile_spec(spec, overlays=over).each.values():
        parts = build_data(compiled.plan)
        named = _named(parts, splits)
        with located(compiled.tree, profiles=compiled.profiles):
            for name in named or parts.splits:
                try:
                    # Built anew for each: what a tokenizer learned for one split is in its fingerprint.
                    missing |= prepare_shard(
                        build_data(compiled.plan), shard, cache=default_cache(), split=name,
                        processes=processes, verify=verify, progress=silent if quiet else bar,
                    )  # fmt: skip
                except DataError as error:
                    if named or name == "train" or error.code != MISSING:
                        raise
                    absent.append(error)
    return missing


def _unfinished(shard: Shard, missing: set[int], absent: Sequence[object], format: Format) -> Outcome:
    numbers = sorted(missing)
    told = f"shard {shard.number} of {shard.of} is done; missing: {', '.join(map(str, numbers))}\n"
    if format == "json":
        told = json.dumps({"shard": shard.number, "of": shard.of, "missing": numbers}) + "\n"
    return Outcome(told, "".join(f"warning: {warning}\n" for warning in absent), whole=False)


def inspect(
    spec: Path,
    *,
    over: Sequence[Overlay],
    html: Path | None,
    limit: int,
    processes: int | None,
    quiet: bool,
    format: Format,
) -> Outcome:
    """``seqspec data inspect SPEC``: look at the data before a model does."""

    def work() -> Outcome:
        from seqspec.data.inspect.inspection import inspect as inspect_data
        from seqspec.data.inspect.subject import Subject

        compiled = compile_spec(spec, overlays=over)
        progress = silent if quiet else bar
        with located(compiled.tree, profiles=compiled.profiles):
            prepared, absent = prepare_present(
                build_data(compiled.plan), splits=(), progress=progress, processes=processes
            )
        name = compiled.plan.experiment.name
        found = inspect_data(Subject(prepared, limit), name=name, progress=progress)
        notes = "".join(f"warning: {error}\n" for error in (*absent, *first_look(prepared)))
        return _reported(found, html, format, notes)

    return guarded(work)


def doctor(
    spec: Path, *, over: Sequence[Overlay], html: Path | None, steps: int, quiet: bool, format: Format
) -> Outcome:
    """``seqspec doctor SPEC``: examine the compiled experiment on a few examples; of a run directory the
    weights that it has learned.
    """

    def work() -> Outcome:
        if spec.is_dir():
            return _reported(_of_run(spec, over, quiet=quiet), html, format, what="Doctor's examination")
        compiled = compile_spec(spec, overlays=over)

        import torch

        from seqspec.runtime.assembly.assemble import assemble
        from seqspec.runtime.assembly.default_search import search_of
        from seqspec.runtime.doctor.examination import examine
        from seqspec.runtime.doctor.subject import Patient

        compiled.plan.require_one_task()
        torch.set_num_threads(1)  # so few examples are too little work for several
        experiment = compiled.plan.experiment
        progress = silent if quiet else bar
        ready = assemble(compiled, progress=progress)
        patient = Patient(ready.program, ready.prepared, search_of(ready.program), steps)
        found = examine(patient, name=experiment.name, progress=progress)
        return _reported(found, html, format, what="Doctor's examination")

    return guarded(work)


def _of_run(run: Path, over: Sequence[Overlay], *, quiet: bool) -> Inspection:
    from seqspec.runtime.run_folder.folder import open_folder

    folder = open_folder(run)

    import torch

    from seqspec.runtime.doctor.trained import examine_run

    torch.set_num_threads(1)
    return examine_run(folder, over=over, progress=silent if quiet else bar)


def _reported(
    found: Inspection, html: Path | None, format: Format, notes: str = "", *, what: str = "Data"
) -> Outcome:
    from seqspec.data.inspect.html_page import as_page
    from seqspec.data.inspect.text_report import as_text

    exit = Exit.DIAGNOSTICS if found.worst == "error" else Exit.CLEAN
    if html is not None:
        try:
            html.parent.mkdir(parents=True, exist_ok=True)
            html.write_text(as_page(found, what=what), encoding="utf-8")
            notes += f"the page with figures is {html}\n"
        except OSError as error:
            # What was found is told all the same.
            notes += f"error: {html} cannot be written: {error.strerror or error}\n"
            notes += "  = help: name another file with --html\n"
            exit = Exit.STORAGE
    if format == "json":
        text = json.dumps(found.as_data(), ensure_ascii=False) + "\n"
    else:
        text = as_text(found, color=sys.stdout.isatty())
    return Outcome(text, notes, exit)


def prepare_present(
    parts: DataParts,
    *,
    splits: Sequence[str],
    progress: Progress,
    processes: int | None = None,
    verify: bool = False,
) -> tuple[Prepared, tuple[DataError, ...]]:
    """Prepare the splits that were named; with none named, train and whatever else of the corpus is there."""
    named = _named(parts, splits)
    first = list(named) if named else ["train"]
    prepared = prepare_parts(
        parts, cache=default_cache(), splits=first, progress=progress, processes=processes, verify=verify
    )
    absent = []
    for name in prepared.splits if named is None else ():
        try:
            prepared.splits[name]
        except DataError as error:
            if error.code != MISSING:
                raise
            absent.append(error)
    return prepared, tuple(absent)


MISSING = "SQ401"
"""The code of what is not there at all, as against what is there and wrong."""


def _named(parts: DataParts, splits: Sequence[str]) -> Sequence[str] | None:
    """The splits that were asked for; each must be one that the spec has."""
    has = parts.splits
    for name in splits:
        if name not in has:
            raise DataError(f"the spec has no split `{name}`", help=which(name, has, there="it has"))
    return splits or None


def summarize(prepared: Prepared) -> dict[str, Any]:
    """Counts, lengths and what was left out, as plain data."""
    splits = {}
    for name, dropped in prepared.dropped.items():
        split = prepared.splits[name]
        lengths = split.lengths
        sides = {
            role: {"mean": float(lengths[:, column].mean()), "max": int(lengths[:, column].max())}
            for column, role in enumerate(split.measured)
            if lengths[:, column].any()
        }
        first = prepared.dropped_at[name]
        splits[name] = {"examples": len(split), "dropped": dropped, "dropped_at": first, "lengths": sides}
        if isinstance(split, PackedSplit) and split.num_left_out:
            splits[name]["tokens_left_out"] = split.num_left_out
    return {"cache": str(default_cache()), "facts": dict(prepared.facts), "splits": splits}


def told(summary: dict[str, Any]) -> str:
    """A summary for people."""
    lines = []
    for name, split in summary["splits"].items():
        sides = ", ".join(
            f"{side} {numbers['mean']:.1f} on average, at most {numbers['max']:,}"
            for side, numbers in split["lengths"].items()
        )
        lines.append(f"{name:<10} {split['examples']:>12,} examples; {sides}")
        first = split["dropped_at"]
        for reason, count in split["dropped"].items():
            at = f" ({'at' if count == 1 else 'first at'} {first[reason]})" if reason in first else ""
            lines.append(f"{'':<10} {count:>12,} left out: {reason}{at}")
    lines += [f"{name} = {value:,}" for name, value in summary["facts"].items()]
    lines.append(f"cache      {summary['cache']}")
    if (sent := summary.get("pushed")) is not None:
        told = f"{sent['uploaded']} of {sent['stores']} stores, {sent['bytes']:,} bytes"
        lines.append(f"pushed     {told}, to {sent['address']}")
    return "\n".join(lines) + "\n"
