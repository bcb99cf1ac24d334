"""The space as the command line gives it, and the check of its corners before anything runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqspec.compile.analysis.front_end import read
from seqspec.compile.analysis.sweep_corners import analyze_corners
from seqspec.compile.parse.yaml_reader import read as read_yaml
from seqspec.compile.plan.plan import Plan
from seqspec.compile.resolve.resolve import Overlay
from seqspec.schema.diagnostic import Exit, RunError, SpecError
from seqspec.schema.sections.sweep import dimension_of
from seqspec.schema.sections.sweep_space import Dimension, Space, SpaceError, dimension
from seqspec.schema.source import COMMAND_LINE, Source

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
        return dimension(path.strip(), read_yaml(Source(COMMAND_LINE, given)).data())
    except SpaceError as error:
        raise RunError(f"--space {error}", exit=Exit.USAGE, help=error.help) from None


def check_corners(space: Space, *, spec: Path, over: Sequence[Overlay]) -> tuple[Plan, ...]:
    """Compile the experiment at every corner of the space; gives the plans.

    Raises ``SpecError`` with what is wrong at the first corner that does not compile, and ``RunError`` for a
    setting that decides nothing.
    """
    seen = analyze_corners(read(spec), space, over)
    if seen.found:
        raise SpecError(seen.found)
    for one in seen.unfit:
        raise RunError(one.message, exit=Exit.USAGE, help=one.help)
    return seen.plans
