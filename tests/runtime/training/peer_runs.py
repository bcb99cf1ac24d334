"""What the processes do that ``test_peers.py`` starts: ``SPEC FOLDER STEP PAUSE``.  A run alone; the same by four
peers that begin together, of which one dies after its first claim for STEP, one sleeps there until the others are done,
and one pauses after PAUSE; a peer that comes when all is done, and the one that paused.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import resume, run
from seqspec.runtime.training.peers import shared_work
from seqspec.runtime.training.peers.meeting_place import Found, MeetingPlace

ALONE = Launch(device="cpu", threads=1, quiet=True)
LAST = 8
ROLES = ("stays", "pauses", "sleeps", "dies")


def main(spec: Path, folder: Path, critical: int, pause: int) -> None:
    shared_work.LEAST_SECONDS = 0.2
    launch = replace(ALONE, peers=str(folder / "place"))

    def whole(name: str, launch: Launch) -> None:
        run(compile_spec(spec), runs=folder / name, launch=launch)

    def begin(role: str) -> None:
        _play(role, folder, critical)
        whole(role, replace(launch, pause_at=pause) if role == "pauses" else launch)

    begun = [_forked(partial(whole, "alone", ALONE)), *(_forked(partial(begin, role)) for role in ROLES)]
    ends = [os.waitpid(one, 0)[1] for one in begun]
    assert ends == [0, 0, 0, 0, signal.SIGKILL], ends
    later = [
        _forked(partial(whole, "comes", launch)),
        _forked(partial(resume, next((folder / "pauses").glob("*/2*")), launch=launch)),
    ]
    assert [os.waitpid(one, 0)[1] for one in later] == [0, 0]


def _play(role: str, folder: Path, critical: int) -> None:
    """Have this process do what its role is, which it does by files that the others wait for."""
    found, claim = MeetingPlace.found, MeetingPlace.claim

    def found_in_order(place: MeetingPlace, step: int) -> Found:
        (folder / f"here-{role}").touch()
        _wait(lambda: all((folder / f"here-{one}").exists() for one in ROLES))
        if step >= critical and role == "sleeps":
            (folder / "sleeping").touch()
            _wait(lambda: place.newest() == LAST and not list(place._names(f"step-{step:08d}")))
        elif step >= critical and role != "dies":
            _wait(lambda: (folder / "claimed").exists() and (folder / "sleeping").exists())
        return found(place, step)

    def claim_and_die(place: MeetingPlace, step: int, number: int) -> None:
        claim(place, step, number)
        if step >= critical:
            (folder / "claimed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    MeetingPlace.found = found_in_order  # type: ignore[method-assign]
    if role == "dies":
        MeetingPlace.claim = claim_and_die  # type: ignore[method-assign]


def _wait(until: Callable[[], bool]) -> None:
    while not until():
        time.sleep(0.01)


def _forked(work: Callable[[], object]) -> int:
    child = os.fork()
    if not child:
        work()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return child


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
