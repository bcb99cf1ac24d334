"""SkyPilot: a task that finds machines in any cloud, and others where a spot machine is taken away."""

from __future__ import annotations

import shlex
from typing import Any

import yaml

from seqspec.runtime.jobs.placement import RETRY, Command, Placement, Submission
from seqspec.schema.diagnostic import Exit, RunError

SUFFIX = ".yaml"


def job(placement: Placement, command: Command) -> str:
    """The task, for ``sky jobs launch``."""
    if placement.time is not None:
        raise RunError("a task of SkyPilot has no wall time", exit=Exit.USAGE, help="leave --time out")
    if placement.gpus and placement.accelerator is None:
        help = "add --accelerator NAME (`sky show-gpus` lists them)"
        raise RunError("a task of SkyPilot names its kind of device", exit=Exit.USAGE, help=help)
    resources: dict[str, Any] = {"cpus": f"{placement.cpus * placement.per_node}+", "use_spot": True}
    resources["job_recovery"] = {"strategy": "FAILOVER", "recover_on_exit_codes": [int(one) for one in RETRY]}
    if placement.memory:
        resources["memory"] = f"{_gigabytes(placement.memory)}+"
    if placement.gpus:
        resources["accelerators"] = f"{placement.accelerator}:{placement.gpus}"
    if placement.image:
        resources["image_id"] = f"docker:{placement.image}"
    task = {
        "name": placement.label,
        "resources": resources,
        "num_nodes": placement.nodes,
        **({"secrets": dict.fromkeys(placement.env)} if placement.env else {}),
        "workdir": ".",
        "setup": "pip install --quiet '.[train]' || pip install --quiet 'seqspec-compiler[train]'\n",
        "run": _script(placement, command),
    }
    told = (
        "# A run that lost its machines goes on from the last checkpoint.  --runs and the corpus have to\n"
        "# lie in a bucket or on a volume that `file_mounts` or `volumes` mount.\n"
    )
    return told + yaml.dump(task, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Writes scripts as blocks of lines."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _script(placement: Placement, command: Command) -> str:
    if placement.processes == 1:
        return command.line(placement) + "\n"
    seqspec = shlex.join(["-m", "seqspec", *command.arguments(placement)])
    return (
        f"torchrun --nnodes={placement.nodes} --nproc-per-node={placement.per_node} \\\n"
        '  --node-rank="$SKYPILOT_NODE_RANK" --master-port=29500 \\\n'
        '  --master-addr="$(echo "$SKYPILOT_NODE_IPS" | head -n1)" \\\n'
        f"  {seqspec}\n"
    )


def _gigabytes(memory: str) -> int:
    size, unit = int(memory[:-1]), memory[-1]
    return {"M": -(-size // 1024), "G": size, "T": size * 1024}[unit]


def submission(path: str, placement: Placement) -> Submission:
    """The client's command; secrets are taken from the environment that it runs in."""
    secrets = [word for name in placement.values() for word in ("--secret", name)]
    return Submission(["sky", "jobs", "launch", "--yes", *secrets, path])
