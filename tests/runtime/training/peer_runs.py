"""What the processes do that ``test_peers.py`` starts: ``SPEC FOLDER``.  A run alone; the same by four peers, of
which one dies after its first claim of step 3, one sleeps there until the others are done, and one pauses after step 5; a peer that comes when all is done, and the one that paused.
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


def main(spec: Path, folder: Path) -> None:
    peer = replace(ALONE, peers=str(folder / "place"))
    shared_work.LEAST_SECONDS = 0.2

    def whole(name: str, launch: Launch) -> None:
        run(compile_spec(spec), runs=folder / name, launch=launch)

    def dies() -> None:
        claim = MeetingPlace.claim

        def claim_and_die(place: MeetingPlace, step: int, number: int) -> None:
            claim(place, step, number)
            if step == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        MeetingPlace.claim = claim_and_die  # type: ignore[method-assign]
        whole("dies", peer)

    def sleeps() -> None:
        found = MeetingPlace.found

        def found_late(place: MeetingPlace, step: int) -> Found:
            while step == 3 and place.newest() < 8:
                time.sleep(0.05)
            return found(place, step)

        MeetingPlace.found = found_late  # type: ignore[method-assign]
        whole("sleeps", peer)

    begun = [
        _forked(partial(whole, "alone", ALONE)),
        _forked(partial(whole, "stays", peer)),
        _forked(partial(whole, "pauses", replace(peer, pause_at=5))),
        _forked(sleeps),
        _forked(dies),
    ]
    ends = [os.waitpid(one, 0)[1] for one in begun]
    assert ends == [0, 0, 0, 0, signal.SIGKILL], ends
    later = [
        _forked(partial(whole, "comes", peer)),
        _forked(partial(resume, next((folder / "pauses").glob("*/2*")), launch=peer)),
    ]
    assert [os.waitpid(one, 0)[1] for one in later] == [0, 0]


def _forked(work: Callable[[], object]) -> int:
    child = os.fork()
    if not child:
        work()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return child


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
