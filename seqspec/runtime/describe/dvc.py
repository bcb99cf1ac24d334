"""A run for DVC: a ``dvc.yaml`` that lies in the run directory, with its metrics, parameters and model, and a
stage that repeats the run and compares it to the bit.
"""

from __future__ import annotations

from typing import Any

import yaml

from seqspec.runtime.describe.facts import Facts


def dvc(facts: Facts) -> str:
    """``dvc.yaml``."""
    found: dict[str, Any] = {
        "stages": {
            "reproduce": {
                "desc": f"Trains {facts.name} again from its lock; exit code 7 where a bit differs.",
                "cmd": "seqspec reproduce .",
                "deps": [name for name in ("spec.yaml", "lock.json") if (facts.folder.path / name).is_file()],
            }
        },
        "params": ["spec.yaml"],
        "metrics": ["result.json"] if facts.result else [],
        "artifacts": _artifacts(facts),
    }
    kept = {name: value for name, value in found.items() if value}
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=120)


def _artifacts(facts: Facts) -> dict[str, Any]:
    if facts.weights is None:
        return {}
    path = facts.weights.relative_to(facts.folder.path).as_posix()
    name = facts.name.replace("_", "-").lower()
    labels = ["seqspec", facts.plan.experiment.model.component[1]]
    return {name: {"path": path, "type": "model", "desc": facts.description, "labels": labels}}
