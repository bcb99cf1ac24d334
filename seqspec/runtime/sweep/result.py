"""What a sweep found: a table, JSON, and the best trial as a spec of its own."""

from __future__ import annotations

import json
import statistics
from typing import Any

from seqspec.data.store.durable import write_durably
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.sweep.study import Trial
from seqspec.runtime.sweep.sweep import Swept
from seqspec.runtime.sweep.trials import overrides


def write_best(swept: Swept) -> None:
    """``best.yaml``: the spec of the best trial's run, which needs no base and no profile."""
    best = swept.best
    if best is None:
        return
    spec = RunFolder(swept.study.path / best.runs[0]).spec.read_text(encoding="utf-8")
    complete = sum(one.state == "complete" for one in swept.trials)
    aim, settings = swept.objective, swept.study.settings
    lines = [
        f"The best of {complete} complete trials: {aim.metric} on {aim.split} is {_number(best)}, trial "
        f"{best.number}.",
        f"Sampler {settings['sampler']}, seed {settings['seed']}; run {best.runs[0]}.",
        "What the sweep chose, and from which range:",
        *(f"  {text}    from {json.dumps(settings['space'][path], ensure_ascii=False)}"
          for path, text in zip(best.params, overrides(best.params), strict=True)),
    ]  # fmt: skip
    head = "".join(f"# {line}\n" for line in lines)
    write_durably(swept.study.path / "best.yaml", (head + spec).encode())


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
    sign = 1 if swept.objective.direction == "minimize" else -1
    ranked = sorted(
        swept.trials, key=lambda one: (one.value is None, sign * (one.value or 0.0), one.number)
    )  # fmt: skip
    lines = [trial_line(one) for one in ranked]
    best = swept.best
    if best is None:
        return "".join(f"{line}\n" for line in [*lines, "no trial is complete"])
    aim = swept.objective
    last = [f"best {aim.metric} on {aim.split}: trial {best.number}", str(swept.study.path / "best.yaml")]
    return "".join(f"{line}\n" for line in [*lines, *last])


def trial_line(trial: Trial) -> str:
    """One trial for people."""
    said = trial.reason if trial.state == "failed" else _number(trial)
    return f"trial {trial.number:4d}  {trial.state:8s}  {said}  {' '.join(overrides(trial.params))}"


def _number(trial: Trial) -> str:
    if trial.value is None:
        return "-"
    spread = f" ± {statistics.stdev(trial.values):.2g}" if len(trial.values) > 1 else ""
    return f"{trial.value:.6g}{spread}"


def _trial(swept: Swept, trial: Trial) -> dict[str, Any]:
    runs = [str(swept.study.path / run) for run in trial.runs]
    return {
        "number": trial.number, "state": trial.state, "params": dict(trial.params), "value": trial.value,
        "run": runs[0] if runs else None, "values": list(trial.values), "runs": runs,
        **({"deviation": statistics.stdev(trial.values)} if len(trial.values) > 1 else {}),
        **({"reason": trial.reason} if trial.reason else {}),
    }  # fmt: skip
