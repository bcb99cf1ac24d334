"""What a run trains with on this machine, and the lock that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.data.progress import bar, silent
from seqspec.data.stages.learned import Learned
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.assembly.assembled import Assembled, Record
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import KEEP_BYTES, KEEP_OF_SHARDS, pin, this_machine
from seqspec.runtime.reproducibility.lock import Lock, make_lock
from seqspec.schema.diagnostic import Exit, RunError


def prepared(
    compiled: Compiled,
    launch: Launch,
    place: Place,
    *,
    known: tuple[Record, ...] | None = None,
    folders: Mapping[str, Record] | None = None,
    learned: Mapping[str, Learned] | None = None,
) -> Assembled:
    """``known`` and ``folders`` are what the first weights were taken from, where a checkpoint holds what
    became of them.
    """
    experiment = compiled.plan.experiment
    keep = KEEP_OF_SHARDS if launch.shards(place) else KEEP_BYTES
    pin(threads=launch.threads, exact=experiment.train.exact, keep=keep)
    progress = silent if place.rank else bar
    if known is None:
        return assemble(compiled, progress=progress, initial=True, taught=True, learned=learned)
    again = assemble(compiled, progress=progress, taught=True, learned=learned)
    return replace(again, initialized=known, pretrained=again.pretrained or folders or {})


def micro_batches_of(plan: Plan, place: Place) -> int:
    """Micro-steps of an update: those of the plan where the processes can share them, else each split.  Where
    replicas train apart, processes share these and no update.
    """
    accumulate, apart = plan.experiment.train.accumulate, plan.experiment.procedure.apart()
    if apart:
        if apart.replicas % place.world:
            raise RunError(
                f"{apart.replicas} replicas cannot be shared by {place.world} processes",
                exit=Exit.USAGE,
                help=f"use a number of devices that divides {apart.replicas}",
            )
        return accumulate
    return accumulate if accumulate % place.world == 0 else accumulate * place.world


def locked_now(compiled: Compiled, *, launch: Launch) -> Lock:
    """The lock of a plan as a run on this machine would have it."""
    place = Place.here(launch)
    assembled = prepared(compiled, launch, place)
    return lock_of(assembled, launch, micro_batches=micro_batches_of(compiled.plan, launch.of_batches(place)))


def lock_of(assembled: Assembled, launch: Launch, *, micro_batches: int) -> Lock:
    """The lock of a run carried out like this."""
    precision = launch.precision or assembled.compiled.plan.experiment.train.precision
    machine = this_machine(launch.accelerator)
    return make_lock(
        assembled, machine=machine, precision=precision, micro_batches=micro_batches, compiled=launch.compile
    )
