"""Ray: an entry script that holds a place for every process and starts the command there.

Ray's workers do nothing but start processes; training, checkpoints and signals are the run's own.
"""

from __future__ import annotations

import json

from seqspec.runtime.jobs.placement import ATTEMPTS, LOST, RETRY, Command, Placement, Submission
from seqspec.schema.diagnostic import Exit, RunError

SUFFIX = ".py"

SCRIPT = '''\
"""Written by `seqspec launch`; for `ray job submit -- python FILE`."""

import os
import socket
import subprocess
import sys

import ray
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

COMMAND = {command}
NODES, PER_NODE = {nodes}, {per_node}
BUNDLE = {bundle}
HANDED_OVER = {env}
RETRY, LOST, ATTEMPTS = {retry}, {lost}, {attempts}


@ray.remote(max_retries=0)
def address():
    with socket.socket() as one:
        one.bind(("", 0))
        return ray.util.get_node_ip_address(), one.getsockname()[1]


@ray.remote(max_retries=0)
def process(rank, master, port):
    place = {{"RANK": rank, "WORLD_SIZE": NODES * PER_NODE, "LOCAL_RANK": rank % PER_NODE,
             "LOCAL_WORLD_SIZE": PER_NODE, "MASTER_ADDR": master, "MASTER_PORT": port}}
    places = {{name: str(value) for name, value in place.items()}} if NODES * PER_NODE > 1 else {{}}
    command = [sys.executable, "-m", "seqspec", *COMMAND]
    code = subprocess.run(command, env={{**os.environ, **places}}).returncode
    return code if code >= 0 else 128 - code


def attempt(group):
    def on(node):
        strategy = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=node)
        return {{"scheduling_strategy": strategy}}

    cpus, gpus = BUNDLE["CPU"] // PER_NODE, BUNDLE.get("GPU", 0) // PER_NODE
    master, port = ray.get(address.options(num_cpus=0, **on(0)).remote())
    started = [
        process.options(num_cpus=cpus, num_gpus=gpus, **on(rank // PER_NODE)).remote(rank, master, port)
        for rank in range(NODES * PER_NODE)
    ]
    try:
        codes = ray.get(started)
        # Whoever failed by itself has lost the others, and knows why.
        return max((code for code in codes if code not in LOST), default=0) or max(codes)
    except ray.exceptions.RayError as error:  # a machine was lost
        print(error, file=sys.stderr)
        return LOST[0]


missing = [name for name in HANDED_OVER if name not in os.environ]
if missing:
    sys.exit(f"{{', '.join(missing)}}: not set where this job runs; `seqspec launch --submit` hands it over")
# The job's own environment may hold the same variables.
os.environ["RAY_OVERRIDE_JOB_RUNTIME_ENV"] = "1"
ray.init(runtime_env={{"env_vars": {{name: os.environ[name] for name in HANDED_OVER}}}})
for _ in range(ATTEMPTS):
    group = placement_group([BUNDLE] * NODES, strategy="STRICT_SPREAD" if NODES > 1 else "PACK")
    ray.get(group.ready())
    code = attempt(group)
    ray.util.remove_placement_group(group)
    if code not in RETRY + LOST:
        break
sys.exit(code)
'''


def job(placement: Placement, command: Command) -> str:
    """The entry script."""
    for option in ("time", "memory", "image"):
        if getattr(placement, option) is not None:
            raise RunError(f"a job of Ray has no {option}", exit=Exit.USAGE, help=f"leave --{option} out")
    bundle: dict[str, int] = {"CPU": placement.cpus * placement.per_node}
    if placement.gpus:
        bundle["GPU"] = placement.gpus
        bundle |= {f"accelerator_type:{placement.accelerator}": 1} if placement.accelerator else {}
    return SCRIPT.format(
        command=json.dumps(command.arguments(placement)),
        nodes=placement.nodes,
        per_node=placement.per_node,
        bundle=json.dumps(bundle),
        env=json.dumps(list(placement.env)),
        retry=[int(one) for one in RETRY],
        lost=[int(one) for one in LOST],
        attempts=ATTEMPTS,
    )


def submission(path: str, placement: Placement) -> Submission:
    """The client's command; the script starts on the cluster, which knows no variable of this machine."""
    handed = placement.values()
    more = ["--runtime-env", "/dev/stdin"] if handed else []
    given = json.dumps({"env_vars": handed}) if handed else ""  # JSON is YAML
    return Submission(["ray", "job", "submit", "--working-dir", ".", *more, "--", "python", path], given)
