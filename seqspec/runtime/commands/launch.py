"""What ``seqspec launch`` does: a spec that has been found good, as a job of a cluster."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqspec.compile.commands import Outcome, overlays
from seqspec.compile.diagnostics.report import render
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.data.store.durable import writing
from seqspec.runtime.commands.guard import guarded
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.jobs.engines import EngineName, engine, submit
from seqspec.runtime.jobs.placement import Command, Placement
from seqspec.runtime.training.peers.hindrances import require_peers
from seqspec.runtime.training.strategies.shardable import require_shardable
from seqspec.schema.diagnostic import Exit, RunError


def launch(
    spec: Path,
    *,
    on: EngineName,
    placement: Placement,
    profiles: Sequence[str],
    sets: Sequence[str],
    runs: Path,
    output: Path | None,
    submitted: bool,
) -> Outcome:
    """``seqspec launch SPEC --on ENGINE``: prints the job, or hands it to the engine's client."""

    def work() -> Outcome:
        placement.check()
        compiled = compile_spec(spec, overlays=overlays(profiles, sets))
        if compiled.warnings:
            print(render(compiled.warnings, color=sys.stderr.isatty()), file=sys.stderr)
        asked: Any = placement.strategy
        processes = Launch(
            devices=placement.per_node, nodes=placement.nodes, strategy=asked,
            tensor_parallel=placement.tensor_parallel, peers=placement.peers,
        )  # fmt: skip
        require_shardable(compiled.plan, processes)
        require_peers(compiled.plan, processes)
        placed = replace(placement, name=compiled.plan.experiment.name)
        more = [word for name in profiles for word in ("--profile", name)]
        more += [word for one in sets for word in ("--set", one)]
        text = engine(on).job(placed, Command(str(spec), str(runs), tuple(more)))
        path = output or Path(f"{placed.label}-{on}{engine(on).SUFFIX}")
        if path.exists() and path.samefile(spec) and (submitted or output):
            raise RunError(f"{path} is the spec, and the job would take its place", exit=Exit.USAGE,
                           help="name another place with --output")  # fmt: skip
        if submitted:
            return Outcome(submit(on, text, path, placed))
        if output is None:
            return Outcome(text)
        with writing(output, help="name another place with --output"):
            output.write_text(text, encoding="utf-8")
        return Outcome(f"{output}\n")

    return guarded(work)
