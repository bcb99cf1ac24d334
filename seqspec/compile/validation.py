"""``seqspec validate``: every mistake of one spec or of five thousand, and the fixes."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seqspec.compile.diagnostics.report import Format, in_order, render
from seqspec.compile.parse.parse import SUFFIXES, meant_by
from seqspec.compile.plan.plan import Compiled
from seqspec.compile.resolve.resolve import Overlay
from seqspec.schema.diagnostic import Diagnostic, Exit, SpecError
from seqspec.schema.source import Source

if TYPE_CHECKING:
    from seqspec.compile.analysis.analysis import AnalysisResult
    from seqspec.compile.analysis.front_end import Reading

FEWEST_FOR_PROCESSES = 128
"""Specs from which on it pays to start a process for each core."""


class Options(NamedTuple):
    """What is asked of ``validate``."""

    overlays: tuple[Overlay, ...] = ()
    format: Format = "text"
    color: bool = False
    fix: bool = False
    unsafe_fixes: bool = False
    show_diff: bool = False
    strict: bool = False
    with_data: bool = False
    max_params: int | None = None
    max_memory: float | None = None
    """GiB."""
    devices: int = 1
    """Devices that share a step, of which each may take ``max_memory``."""
    strategy: str = "ddp"
    """How they share it."""
    tensor_parallel: int | None = None
    """Devices of a group that splits layers."""
    jobs: int | None = None
    """Processes; left out, one for each core where there are many specs."""


class Verdict(NamedTuple):
    """What ``validate`` prints, and what it exits with."""

    out: str
    summary: str
    exit: int


@dataclass
class _Found:
    diagnostics: list[Diagnostic] = field(default_factory=list)
    applied: int = 0
    diffs: str = ""


def validate_specs(paths: Sequence[Path], options: Options) -> Verdict:
    """Look at every spec under ``paths``, or under ``specs/`` where none is named."""
    named = list(paths) or [Path("specs")]
    files = [file for path in named for file in specs_under(path)]
    missing = [path for path in named if not path.exists()]
    if missing:
        where = f"; {meant_by(missing[0])}" if paths else "; name a spec or a folder of specs"
        if missing[0].name.startswith("="):
            where = ": write `--set PATH=VALUE` as one word, without blanks"
        return Verdict("", f"there is no `{missing[0]}`{where}\n", Exit.USAGE)
    if not files:
        return Verdict("", f"there is no spec under `{named[0]}`\n", Exit.USAGE)
    if options.tensor_parallel is not None:
        from seqspec.compile.cost.devices import ungrouped

        told = ungrouped(options.tensor_parallel, devices=options.devices, strategy=options.strategy)
        if told:
            return Verdict("", f"{told}\n", Exit.USAGE)
    if options.fix or options.unsafe_fixes or options.show_diff:
        found = _fix_all(files, options)
    else:
        found = _Found([d for each in _validate_all(files, options) for d in each])
    return _verdict(found, files, options)


def specs_under(path: Path) -> list[Path]:
    """The file itself, or the specs in a folder and below, sorted.

    Folders named ``base`` hold parts that other specs extend; they are read through those.
    """
    if not path.is_dir():
        return [path]
    files = (file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    return sorted(
        f for f in files if not any(part == "base" or part[0] in "._" for part in f.relative_to(path).parts)
    )


def validate_file(file: Path, options: Options) -> list[Diagnostic]:
    """Everything that can be said about one spec.  Never raises."""
    return guarded(lambda: _compiled(file, options), file)


def guarded(analyze: Callable[[], Iterable[Diagnostic]], file: Path) -> list[Diagnostic]:
    """What ``analyze`` gives or raises, as diagnostics; a fault of our own becomes one too."""
    try:
        return in_order(analyze())
    except SpecError as error:
        return in_order(error.diagnostics)
    except Exception as error:  # the last line of defence: a person sees no traceback
        if os.environ.get("SEQSPEC_DEBUG"):
            raise
        return [internal(error, file)]


def internal(error: Exception, file: Path) -> Diagnostic:
    """A fault of seqspec itself, or of a plugin, told in one diagnostic."""
    from seqspec.compile.diagnostics.plugin_errors import plugin_failure, plugins_at_work

    failure = plugin_failure(error)
    if failure is not None:
        message = f"the plugin `{failure.package}` failed on `{file}`: {failure.message}"
        help = "its authors can fix it; `SEQSPEC_DEBUG=1` shows where"
        return Diagnostic("SQ141", message, help=help)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    return Diagnostic(
        "SQ900",
        f"seqspec itself failed on `{file}`: {type(error).__name__} at {place}",
        note=" ".join(str(error).split())[:200] or None,
        help=plugins_at_work()
        or "this is our bug; please report it with the spec, and `SEQSPEC_DEBUG=1` shows more",
    )


def _compiled(file: Path, options: Options) -> Iterable[Diagnostic]:
    from seqspec.compile.analysis.front_end import read
    from seqspec.compile.analysis.profiles import analyze_profiles, everything_found

    reading = read(file)
    analyses = analyze_profiles(reading, options.overlays)
    analyses[""] = _swept(analyses[""], reading, options)
    if options.max_params is not None or options.max_memory is not None:
        analyses = {name: _costed(seen, options) for name, seen in analyses.items()}
    found = everything_found(analyses, reading)
    base = analyses[""]
    if options.with_data and base.clean and base.tree is not None and base.plan is not None:
        from seqspec.compile.analysis.with_data import missing_data

        found = (*found, *missing_data(Compiled(base.plan, base.tree)))
    return found


def _swept(seen: AnalysisResult, reading: Reading, options: Options) -> AnalysisResult:
    """What was seen, with what is wrong at the corners of the spec's own sweep."""
    sweep = seen.plan.experiment.sweep if seen.clean and seen.plan is not None else None
    if sweep is None or seen.tree is None:
        return seen
    from seqspec.compile.analysis.sweep_corners import spec_corners

    corners = spec_corners(reading, sweep, seen.tree, options.overlays)
    return seen._replace(found=(*seen.found, *corners))


def _costed(seen: AnalysisResult, options: Options) -> AnalysisResult:
    """What was seen, with the limits that it goes beyond."""
    if not seen.clean or seen.tree is None or seen.plan is None:
        return seen
    from seqspec.compile.cost.limits import within

    beyond = within(
        Compiled(seen.plan, seen.tree), max_params=options.max_params, max_memory=options.max_memory,
        devices=options.devices, strategy=options.strategy, tensor_parallel=options.tensor_parallel,
    )  # fmt: skip
    return seen._replace(found=(*seen.found, *beyond))


def _validate_all(files: Sequence[Path], options: Options) -> list[list[Diagnostic]]:
    jobs = options.jobs or (os.cpu_count() or 1 if len(files) >= FEWEST_FOR_PROCESSES else 1)
    if jobs <= 1 or len(files) < 2:
        return _validate_some(files, options)
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial
    from itertools import chain

    size = max(1, min(256, len(files) // (jobs * 4)))
    parts = [files[start : start + size] for start in range(0, len(files), size)]
    with ProcessPoolExecutor(min(jobs, len(parts))) as pool:
        return list(chain.from_iterable(pool.map(partial(_validate_some, options=options), parts)))


def _validate_some(files: Sequence[Path], options: Options) -> list[list[Diagnostic]]:
    """One after the other.  Trees and plans hold no cycles, so looking for some again and again would find
    none.
    """
    gc.freeze()
    every = gc.get_threshold()
    gc.set_threshold(100_000, *every[1:])
    try:
        return [validate_file(file, options) for file in files]
    finally:
        gc.set_threshold(*every)


def _fix_all(files: Sequence[Path], options: Options) -> _Found:
    found = _Found()
    for file in files:
        _fix_file(file, options, found)
    return found


def _fix_file(file: Path, options: Options, found: _Found) -> None:
    from seqspec.compile.analysis.analysis import analyze, analyze_schema
    from seqspec.compile.analysis.front_end import read_text as read
    from seqspec.compile.analysis.profiles import analyze_profiles, everything_found
    from seqspec.compile.diagnostics.fixes import apply_fixes, unified
    from seqspec.compile.parse.parse import Language, read_text

    language: Language = "toml" if file.suffix == ".toml" else "yaml"

    def found_in(source: Source, how: Callable[..., AnalysisResult]) -> list[Diagnostic]:
        def understood() -> Iterable[Diagnostic]:
            reading = read(source, language)
            return everything_found(analyze_profiles(reading, options.overlays, analyze=how), reading)

        return guarded(understood, file)

    try:
        before = read_text(file).removeprefix("\ufeff")
    except SpecError as error:
        found.diagnostics += error.diagnostics
        return
    fixed = apply_fixes(
        Source(str(file), before), lambda s: found_in(s, analyze_schema), unsafe=options.unsafe_fixes
    )
    if fixed.text != before:
        found.applied += len(fixed.applied)
        if options.show_diff:
            found.diffs += unified(str(file), before, fixed.text)
        else:
            try:
                _write(file, fixed.text)
            except OSError as error:
                found.diagnostics.append(_not_written(file, error))
                found.applied -= len(fixed.applied)
    if options.show_diff and not fixed.left:  # what the later stages would say of the text as it would be
        found.diagnostics += found_in(Source(str(file), fixed.text), analyze)
    else:
        found.diagnostics += fixed.left or validate_file(file, options)


def _not_written(file: Path, error: OSError) -> Diagnostic:
    why = os.strerror(error.errno) if error.errno else str(error)
    return Diagnostic(
        "SQ027",
        f"`{file}` cannot be changed: {why}",
        help="fix a copy in a place that can be written, or show the fixes with `--diff`",
    )


def _write(file: Path, text: str) -> None:
    """In place of the old file at once, byte order mark and line ends as they were."""
    mark = b"\xef\xbb\xbf" if file.read_bytes().startswith(b"\xef\xbb\xbf") else b""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_bytes(mark + text.encode())
    beside.chmod(file.stat().st_mode & 0o7777)
    beside.replace(file)


def _verdict(found: _Found, files: Sequence[Path], options: Options) -> Verdict:
    diagnostics = in_order(found.diagnostics)
    if options.strict:
        diagnostics = [d._replace(severity="error") if d.severity == "warning" else d for d in diagnostics]
    out = found.diffs + render(
        diagnostics, format=options.format, color=options.color, files=[str(f) for f in files]
    )
    errors = sum(d.severity == "error" for d in diagnostics)
    unfit = ("SQ000", "SQ027", "SQ040")
    unreadable = errors and all(d.code in unfit for d in diagnostics if d.severity == "error")
    code = Exit.USAGE if unreadable else Exit.DIAGNOSTICS if errors or found.diffs else Exit.CLEAN
    return Verdict(out, _summary(diagnostics, len(files), found.applied, options), code)


def _summary(diagnostics: Sequence[Diagnostic], num_files: int, applied: int, options: Options) -> str:
    errors = sum(d.severity == "error" for d in diagnostics)
    warnings = sum(d.severity == "warning" for d in diagnostics)
    fixable = sum(d.fix is not None for d in diagnostics)
    parts = [_count(num_files, "spec"), _count(errors, "error"), _count(warnings, "warning")]
    text = f"{parts[0]}: " + (
        ", ".join(parts[1:]) if errors or warnings else "all valid" if num_files > 1 else "valid"
    )
    if applied and options.show_diff:
        text += f", once {_count(applied, 'fix is', 'fixes are')} made"
    elif applied:
        text += f"; {_count(applied, 'fix', 'fixes')} made"
    elif fixable and not options.fix and not options.unsafe_fixes:
        text += f"; {fixable} of them can be changed by `--fix` or `--unsafe-fixes` (`--diff` shows how)"
    return text + "\n"


def _count(number: int, word: str, plural: str = "") -> str:
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def wants_color(choice: str) -> bool:
    """``always``, ``never``, or ``auto``: where a person looks at a terminal that has colours."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
