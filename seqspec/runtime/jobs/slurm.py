"""SLURM: a batch script that requeues itself where going on is worth it.

Facts: sbatch(1), ``--signal`` and ``--requeue``; a step's exit code is what ``srun`` gives.
"""

from __future__ import annotations

from seqspec.runtime.jobs.placement import ATTEMPTS, LOST, RETRY, Command, Placement, Submission

SUFFIX = ".sbatch"
WARNING_SECONDS = 120
"""How long before the end of its time a run is told, which is enough to write a checkpoint."""


def job(placement: Placement, command: Command) -> str:
    """The script, for ``sbatch``."""
    kind = f"{placement.accelerator}:" if placement.accelerator else ""
    options = [
        f"--job-name={placement.label}",
        f"--nodes={placement.nodes}",
        f"--ntasks-per-node={placement.per_node}",
        f"--cpus-per-task={placement.cpus}",
        *([f"--gpus-per-node={kind}{placement.gpus}"] if placement.gpus else []),
        *([f"--mem={placement.memory}"] if placement.memory else []),
        *([f"--time={placement.time}"] if placement.time else []),
        f"--signal=TERM@{WARNING_SECONDS}",
        "--requeue",
        "--open-mode=append",
        f"--output={placement.label}-%j.log",
        f"--export={','.join(['PATH', 'HOME', 'SHELL', *placement.env])}",
    ]
    lines = [
        "#!/bin/bash",
        *(f"#SBATCH {option}" for option in options),
        "",
        "# Every process runs this; it goes on with the run that an earlier attempt has begun.",
        f"srun --kill-on-bad-exit=1 --cpus-per-task={placement.cpus} {command.line(placement)}",
        "code=$?",
        "",
        "# Storage that was full, a signal, the end of its time: the last checkpoint is whole, so go on.",
        f"case $code in {'|'.join(str(int(one)) for one in RETRY)})",
        '  scontrol requeue "$SLURM_JOB_ID" ;;',
        "# A process was lost, perhaps by a fault that comes back.",
        f"{'|'.join(str(int(one)) for one in LOST)})",
        f'  [ "${{SLURM_RESTART_COUNT:-0}}" -ge {ATTEMPTS} ] || scontrol requeue "$SLURM_JOB_ID" ;;',
        "esac",
        "exit $code",
    ]
    return "\n".join(lines) + "\n"


def submission(path: str, placement: Placement) -> Submission:
    """The client's command; it hands variables over from the environment that it runs in."""
    placement.values()
    return Submission(["sbatch", path])
