"""The space as the command line gives it, and the check of its corners before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqspec.compile.parse.yaml_reader import read
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.compile.resolve.resolve import Overlay
from seqspec.runtime.sweep.trials import overrides
from seqspec.schema.diagnostic import Diagnostic, Exit, RunError, SpecError
from seqspec.schema.source import COMMAND_LINE, Source
from seqspec.schema.sweep import Dimension, Params, Space, SpaceError, dimension
from seqspec.schema.sweep_section import dimension_of

FORM = "write --space 'optimizer.schedule.peak={log_uniform: [1e-4, 3e-3]}'"


def parse_space(texts: Sequence[str], *, over: Mapping[str, Any] | None = None) -> Space:
    """``path={kind: [a, b]}`` of each ``--space``, over the settings of the spec's own space.  Raises
    ``RunError`` or ``SpecError``.
    """
    if not texts and not over:
        raise RunError(
            "the sweep has no space to search",
            exit=Exit.USAGE,
            help=f"{FORM}, or `sweep: {{space: …}}` in the spec",
        )
    found = tuple(map(_dimension, texts))
    paths = [one.path for one in found]
    for path in paths:
        if paths.count(path) > 1:
            raise RunError(f"`{path}` stands twice in the space", exit=Exit.USAGE, help="give it one range")
        if path == "seed":
            raise RunError("a seed is no setting to search for", exit=Exit.USAGE,
                           help="--seeds N repeats every trial with N seeds")  # fmt: skip
    own = {path: dimension_of(path, given) for path, given in (over or {}).items()}
    return Space(tuple({**own, **{one.path: one for one in found}}.values()))


def _dimension(text: str) -> Dimension:
    path, equals, given = text.partition("=")
    if not equals or not given.strip():
        raise RunError(f"--space `{text}` gives no range", exit=Exit.USAGE, help=FORM)
    # YAML wants a space after a colon, and a shell makes one easy to leave out.
    given = re.sub(r"^\s*\{\s*(\w+):(?=\[)", r"{\1: ", given)
    try:
        return dimension(path.strip(), read(Source(COMMAND_LINE, given)).data())
    except SpaceError as error:
        raise RunError(f"--space {error}", exit=Exit.USAGE, help=error.help) from None


def check_corners(space: Space, *, spec: Path, over: Sequence[Overlay]) -> tuple[Plan, ...]:
    """Compile the experiment at every corner of the space; gives the plans.

    Raises ``SpecError`` with what is wrong at the first corner that does not compile, and ``RunError`` for a
    setting that decides nothing.
    """

    def compiled(params: Params) -> Compiled:
        return compile_spec(spec, overlays=(*over, *map(Overlay.set, overrides(params))))

    found = []
    for params in space.corners():
        try:
            found.append(compiled(params).plan)
        except SpecError as error:
            raise SpecError([_at_corner(it, params) for it in error.diagnostics]) from None
    for one in space.dimensions:
        _takes_fractions(one, next(space.corners()), compiled)
        _decides_something(one, compiled)
    return tuple(found)


def _at_corner(found: Diagnostic, params: Params) -> Diagnostic:
    note = f"this is the corner {', '.join(overrides(params))} of the sweep's space"
    return found._replace(note=f"{found.note}; {note}" if found.note else note)


def _takes_fractions(one: Dimension, corner: Params, compiled: Callable[[Params], Compiled]) -> None:
    """A range of fractions whose bounds are whole numbers may stand at a setting that takes only those."""
    if one.kind not in ("uniform", "log_uniform") or not all(isinstance(value, int) for value in one.values):
        return
    try:
        compiled({**corner, one.path: one.at(0.37)})
    except SpecError as error:
        if all(found.code != "SQ106" for found in error.diagnostics):
            return
        kind, bounds = one.kind.replace("uniform", "int").removesuffix("_"), list(one.values)
        raise RunError(f"`{one.path}` takes whole numbers, and `{one.kind}` suggests fractions",
                       exit=Exit.USAGE, help=f"write {{{kind}: {bounds}}}") from None  # fmt: skip


def _decides_something(one: Dimension, compiled: Callable[[Params], Compiled]) -> None:
    """A setting that is no part of the plan's digest changes no result, so there is nothing to search."""
    values = one.probes()
    if len(values) < 2:
        return
    try:
        digests = [compiled({one.path: value}).plan.digests["all"] for value in (values[0], values[-1])]
    except SpecError:
        return  # it compiles only together with other settings, which the corners have shown it does
    if len(set(digests)) == 1:
        raise RunError(
            f"`{one.path}` changes no result, whatever its value",
            exit=Exit.USAGE,
            help="take it out of --space",
        )
