"""What a sweep found: a table, JSON, and the best trial as a spec of its own."""

from __future__ import annotations

import json
import statistics
from typing import Any

from seqspec.data.store.durable import write_durably
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.sweep.stages import Due
from seqspec.runtime.sweep.sweep import Swept
from seqspec.runtime.sweep.trial import Trial
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.sections.sweep_space import Space


def write_best(swept: Swept) -> None:
    """``best.yaml``: the spec of the best trial's run, which needs no base and no profile."""
    best = swept.best
    if best is None:
        return
    file = RunFolder(swept.study.path / best.runs[0]).spec
    if not file.is_file():
        raise RunError(f"{file} is no longer there, the spec of the best trial", exit=Exit.STORAGE,
                       help="put its run back, or begin another --study")  # fmt: skip
    spec = file.read_text(encoding="utf-8")
    complete = sum(one.state == "complete" for one in swept.trials)
    aim, settings = swept.objective, swept.study.settings
    lines = [
        f"The best of {complete} complete trials: {aim.metric} on {aim.split} is {number_of(best)}, trial "
        f"{best.number}.",
        f"Sampler {settings['sampler']}, seed {settings['seed']}; run {best.runs[0]}.",
        "What the sweep chose, and from which range:",
        *(f"  {one.path}={one.name(best.params[one.path])}    from {one}" for one in swept.space.dimensions),
    ]  # fmt: skip
    head = "".join(f"# {line}\n" for line in lines)
    # A trial is told that it is no sweep; the best spec need not be.
    write_durably(swept.study.path / "best.yaml", (head + spec.replace("\nsweep: null\n", "\n")).encode())


def to_json(swept: Swept) -> str:
    """The result for programs."""
    best = swept.best
    aim = swept.objective
    found = {
        "study": str(swept.study.path), "split": aim.split, "metric": aim.metric,
        "direction": aim.direction, "trials": [_trial(swept, one) for one in swept.trials],
        "best": _trial(swept, best) if best else None,
        "best_spec": str(swept.study.path / "best.yaml") if best else None,
    }  # fmt: skip
    return json.dumps(found, ensure_ascii=False) + "\n"


def to_text(swept: Swept) -> str:
    """The result for people, the best trial first."""
    lines = [trial_line(one, swept.space) for one in ranked(swept)]
    best = swept.best
    if best is None:
        return "".join(f"{line}\n" for line in [*lines, "no trial is complete"])
    aim = swept.objective
    last = [f"best {aim.metric} on {aim.split}: trial {best.number}", str(swept.study.path / "best.yaml")]
    return "".join(f"{line}\n" for line in [*lines, *last])


def ranked(swept: Swept) -> list[Trial]:
    """The trials, the best first: complete ones, then those that came to a later rung."""
    sign = 1 if swept.objective.direction == "minimize" else -1

    def key(one: Trial) -> tuple[bool, int, float, int]:
        known = one.mean if one.mean is not None else [0.0, *one.rungs][-1]
        return one.mean is None, -len(one.rungs), sign * known, one.number

    return sorted(swept.trials, key=key)


def trial_line(trial: Trial, space: Space) -> str:
    """One trial for people."""
    said = trial.reason if trial.state == "failed" else number_of(trial)
    return f"trial {trial.number:4d}  {trial.state:8s}  {said}  {space.told(trial.params)}"


def due_line(due: Due, ended: Trial, space: Space) -> str:
    """What has just come of a trial."""
    if due.until is None or ended.state == "failed":
        return trial_line(ended, space)
    return f"trial {ended.number:4d}  at {due.until:<5,d}  {number_of(ended)}  {space.told(ended.params)}"


def number_of(trial: Trial) -> str:
    """The value of a trial with its spread; of one that is at a rung, what it was worth there."""
    if trial.mean is None:
        return f"{trial.rungs[-1]:.6g}" if trial.rungs else "-"
    every = (*trial.values, *trial.repeats)
    spread = f" ± {statistics.stdev(every):.2g} ({len(every)} seeds)" if len(every) > 1 else ""
    return f"{trial.mean:.6g}{spread}"


def _trial(swept: Swept, trial: Trial) -> dict[str, Any]:
    runs = [str(swept.study.path / run) for run in trial.runs]
    names = swept.space.names(trial.params)
    return {
        "number": trial.number, "state": trial.state, "params": dict(trial.params), "value": trial.value,
        "run": runs[0] if runs else None, "values": list(trial.values), "runs": runs,
        **({"names": names} if any(isinstance(one, dict) for one in trial.params.values()) else {}),
        **({"rungs": list(trial.rungs)} if trial.rungs else {}),
        **({"repeats": list(trial.repeats), "mean": trial.mean} if trial.repeats else {}),
        **({"deviation": statistics.stdev(trial.values)} if len(trial.values) > 1 else {}),
        **({"reason": trial.reason} if trial.reason else {}),
    }  # fmt: skip
