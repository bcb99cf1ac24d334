"""``seqspec data prepare --on ray``: the shards of ``--shard I/N``, worked out by a Ray cluster.

Ray decides where a shard is worked out, and again where a worker died; what a shard is, how it is joined and
that nothing is done twice are the cache's own.  So the stores are those of one machine, to the byte, and
every worker has to see the cache, the corpus and the spec where this machine sees them.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import seqspec
from seqspec.compile.commands import Outcome
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.data.progress import bar, silent
from seqspec.data.store.cache import default_cache
from seqspec.data.store.prepared_store import VARIABLE, PreparedStore
from seqspec.runtime.commands.corpus import Format, prepare
from seqspec.runtime.commands.guard import guarded
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.environment import names
from seqspec.schema.remote import STORES

RETRIES = 3
"""How often a shard whose worker died is begun again."""
PATIENCE_SECONDS = 20.0
"""For a cluster to answer at all."""
SHARDS_EACH = 4
"""Shards a worker, where their number is not given: a slow machine then takes fewer."""


@dataclass(frozen=True)
class Call:
    """What every worker is handed beside the number of its shard."""

    spec: Path
    over: tuple[Overlay, ...]
    splits: tuple[str, ...]
    verify: bool
    format: Format
    folder: Path
    """Where relative paths begin."""
    version: str = seqspec.__version__


def prepare_on_ray(
    spec: Path,
    *,
    over: Sequence[Overlay],
    splits: Sequence[str],
    shards: int | None,
    verify: bool,
    quiet: bool,
    format: Format,
    pushed: str | None = None,
) -> Outcome:
    """Prepare by a cluster: that of ``RAY_ADDRESS``, one that runs here, or one started here for it."""

    def work() -> Outcome:
        named = [VARIABLE, *(name for store in STORES.values() for name in store.variables)]
        for compiled in compile_spec(spec, overlays=over).each.values():
            named += names(compiled.plan.experiment.data.model_dump_json())
        if pushed is not None:
            PreparedStore.at(pushed, said="--push").begin()
        call = Call(spec.absolute(), tuple(over), tuple(splits), verify, format, Path.cwd())
        with _cluster(_workers_environment(named)) as ray:
            told = _work_out(ray, call, shards, quiet=quiet)
        if told is not None and (told.exit != Exit.CLEAN or pushed is None):
            return told
        return prepare(
            spec, over=over, splits=splits, processes=None, verify=False, quiet=quiet, format=format,
            pushed=pushed,
        )  # fmt: skip

    return guarded(work)


def require_alone(on: str | None, *, shard: str | None, processes: int | None) -> Outcome | None:
    """What is said of options that do not go together; ``None`` where they do."""
    told = None
    if on is None:
        told = (
            "`--shards` says how many parts a cluster works out",
            "add `--on ray`, or write `--shard I/N`",
        )
    elif shard is not None:
        told = ("`--shard` is one part, and `--on ray` works out all of them", "take one of them out")
    elif processes is not None:
        told = ("with `--on ray` each part is worked out by one process", "take out `--processes`")
    return None if told is None else Outcome("", f"error: {told[0]}\n  = help: {told[1]}\n", Exit.USAGE)


def work_out_shard(call: Call, shard: str) -> Outcome:
    """What a worker does: the same as ``seqspec data prepare --shard I/N``."""
    if call.version != seqspec.__version__:
        told = f"error: a worker has seqspec {seqspec.__version__}, and this machine {call.version}\n"
        return Outcome("", told + "  = help: install one version everywhere\n", Exit.USAGE)
    for place in (call.folder, call.spec):
        if not place.exists():
            told = f"error: a worker does not see {place}\n"
            help = "  = help: spec, corpus and cache must lie where every machine of the cluster sees them\n"
            return Outcome("", told + help, Exit.USAGE)
    os.chdir(call.folder)
    return prepare(
        call.spec, over=call.over, splits=call.splits, processes=1, verify=call.verify, quiet=True,
        format=call.format, shard=shard,
    )  # fmt: skip


def _workers_environment(named: Sequence[str]) -> dict[str, str]:
    found = {name: os.environ[name] for name in named if name in os.environ}
    return found | {"SEQSPEC_CACHE": str(default_cache().absolute())}


@contextmanager
def _cluster(environment: dict[str, str]) -> Iterator[Any]:
    """Ray, connected; raises ``RunError`` where it is not installed or its cluster not reached."""
    try:
        import ray
    except ImportError:
        raise RunError("`--on ray` needs the package ray", exit=Exit.USAGE,
                       help="pip install 'seqspec-compiler[ray]'") from None  # fmt: skip
    try:
        _knock(os.environ.get("RAY_ADDRESS", ""))
        ray.init(
            address=_address(), runtime_env={"env_vars": environment}, include_dashboard=False,
            log_to_driver=False, logging_level=logging.ERROR,
        )  # fmt: skip
    except Exception as error:  # Ray has no class for what goes wrong while it starts
        raise _not_reached(error) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _address() -> str | None:
    """``local`` where the last cluster of this machine was killed, whose note Ray would follow for minutes;
    else ``None``, by which Ray looks itself.
    """
    folder = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108  as Ray has it
    note = Path(folder, "ray", "ray_current_cluster")
    if os.environ.get("RAY_ADDRESS") or not note.is_file():
        return None
    try:
        _knock(note.read_text(encoding="utf-8").strip())
    except OSError:
        return "local"
    return None


def _knock(address: str) -> None:
    """Raises ``OSError`` where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE_SECONDS).close()


def _not_reached(error: Exception) -> RunError:
    address, told = os.environ.get("RAY_ADDRESS"), (str(error) or type(error).__name__).splitlines()[0][:200]
    if address:
        return RunError(
            f"the Ray cluster at `{address}` cannot be reached: {told}",
            exit=Exit.STORAGE,
            help="see that it is up (`ray status`) and that RAY_ADDRESS is right; "
            "without RAY_ADDRESS one is started on this machine",
        )
    return RunError(
        f"no Ray cluster could be started here: {told}",
        exit=Exit.STORAGE,
        help="`ray stop` takes away what an earlier one left; `--shard I/N` needs no Ray",
    )


def _work_out(ray: Any, call: Call, shards: int | None, *, quiet: bool) -> Outcome | None:
    """Have every shard worked out; gives what the first that failed has said, or else what one that found
    all others there has said of the whole, which saves opening it here.
    """
    workers = int(ray.cluster_resources().get("CPU", 0))
    if not workers:
        raise RunError("the Ray cluster has no CPU to give", exit=Exit.STORAGE,
                       help="start workers with `ray start --address … --num-cpus N`")  # fmt: skip
    of = shards or SHARDS_EACH * workers
    task = ray.remote(num_cpus=1, max_retries=RETRIES)(work_out_shard)
    whole: Outcome | None = None
    waiting = {task.remote(call, f"{number}/{of}"): number for number in range(1, of + 1)}
    with (silent if quiet else bar)(f"shards on {workers} workers of Ray", of) as advance:
        while waiting:
            ready, _ = ray.wait(list(waiting), num_returns=1)
            for one in ready:
                outcome = _outcome(ray, one, waiting.pop(one), of)
                if outcome.exit != Exit.CLEAN:
                    for other in waiting:
                        ray.cancel(other, force=True)
                    return outcome
                whole = outcome if outcome.whole else whole
                advance(1)
    return whole


def _outcome(ray: Any, reference: Any, number: int, of: int) -> Outcome:
    try:
        found: Outcome = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ImportError):
            raise RunError(f"a worker of the Ray cluster cannot load seqspec: {error.cause}", exit=Exit.USAGE,
                           help="install the same on every machine of the cluster") from None  # fmt: skip
        raise
    except ray.exceptions.RayError as error:
        told = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise RunError(
            f"shard {number} of {of} was lost {RETRIES + 1} times with its worker: {told}",
            exit=Exit.STORAGE,
            help="most often memory runs out: take more --shards, or fewer workers on a machine; "
            "the same command goes on where this one was",
        ) from None
    return found
