"""Kubernetes: a ``TrainJob`` of Kubeflow Trainer (``trainer.kubeflow.org/v1alpha1``), whose runtime
``torch-distributed`` sets torchrun's environment.
"""

from __future__ import annotations

from typing import Any

import yaml

from seqspec.runtime.jobs.placement import FINAL, Command, Placement, Submission
from seqspec.schema.diagnostic import Exit, RunError

SUFFIX = ".yaml"
UNITS = {"M": "Mi", "G": "Gi", "T": "Ti"}


def job(placement: Placement, command: Command) -> str:
    """The manifest, for ``kubectl create``."""
    if placement.image is None:
        raise RunError("a pod needs an image with seqspec in it", exit=Exit.USAGE, help="add --image NAME")
    for option in ("time", "accelerator"):
        if getattr(placement, option) is not None:
            help = f"leave --{option} out; a runtime of the cluster may say it"
            raise RunError(f"a TrainJob has no {option}", exit=Exit.USAGE, help=help)
    trainer: dict[str, Any] = {
        "image": placement.image,
        "command": ["torchrun"],
        # `$(NAME)` would be replaced by a variable of the container, and `$$` is a dollar.
        "args": [one.replace("$", "$$") for one in ("-m", "seqspec", *command.arguments(placement))],
        "numNodes": placement.nodes,
        "numProcPerNode": placement.per_node,
        "resourcesPerNode": {"limits": _resources(placement)},
    }
    if placement.env:
        trainer["env"] = [_from_secret(name, placement) for name in placement.env]
    manifest = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": placement.label},
        "spec": {"runtimeRef": {"name": "torch-distributed"}, "trainer": trainer},
    }
    final = ", ".join(str(int(one)) for one in FINAL)
    told = (
        "# Pods that are started again go on with the run.  --runs and the corpus have to lie on a volume\n"
        f"# that the runtime mounts.  Another attempt does not help after the exit codes {final};\n"
        "# the runtime's failure policy says how often it is made.\n"
    )
    return told + yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)


def _resources(placement: Placement) -> dict[str, Any]:
    found: dict[str, Any] = {"cpu": placement.cpus * placement.per_node}
    if placement.memory:
        found["memory"] = placement.memory[:-1] + UNITS[placement.memory[-1]]
    if placement.gpus:
        found["nvidia.com/gpu"] = placement.gpus
    return found


def _from_secret(name: str, placement: Placement) -> dict[str, Any]:
    """The variable comes from the secret of the job's name: a manifest holds no value."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": placement.label, "key": name}}}


def submission(path: str, placement: Placement) -> Submission:
    """The client's command; variables are in a secret of the cluster."""
    return Submission(["kubectl", "create", "-f", path])
