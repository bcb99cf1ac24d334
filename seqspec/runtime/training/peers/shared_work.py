"""Pieces of work of a step, shared with whoever is there.

Nobody tells who is alive.  A peer takes what nobody has claimed; where all is claimed it waits three times as
long as such a piece takes itself, and then does it again.
"""

from __future__ import annotations

import hashlib
import random
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from torch import nn

from seqspec.runtime.checkpoints.checkpoint import folder_name
from seqspec.runtime.checkpoints.tensor_file import Damaged, raw_bytes
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.reproducibility.lock import Lock
from seqspec.runtime.training.peers.meeting_place import Found, MeetingPlace
from seqspec.schema.diagnostic import Exit, RunError

PATIENCE = 3.0
"""Times that a piece of work takes here, before one that another has claimed is done again."""
LEAST_SECONDS = 2.0
"""Added to that: what it takes for a claim and a result to come over."""
PAUSES = (0.01, 0.5)
"""Seconds between two looks, at first and at most."""


class Result(Protocol):
    """What a piece of work comes to."""

    @property
    def weights(self) -> str:
        """Fingerprint of the weights that it was worked out with."""
        ...

    def packed(self) -> bytes:
        """The same result gives the same bytes."""
        ...


R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Pieces(Generic[R]):
    """Work of one step that any peer may do, in any order."""

    step: int
    """That they lead to."""
    since: int
    """That they start from."""
    first: int
    """Number of the first piece in the step."""
    what: str
    """Name of a piece in messages."""
    work: Sequence[Callable[[], R]]
    """Does each."""
    read: Callable[[bytes], R]
    """Takes up what another's ``packed`` gave; raises ``Damaged``."""
    most: int
    """Bytes that a result has at most."""
    weights: str
    """Fingerprint of the weights that all start from."""
    own: Collection[int] = ()
    """Which this peer would rather do than the others, from 0."""


def shared_work(launch: Launch, lock: Lock) -> SharedWork | None:
    """What this process is to do of a run that has peers; raises ``RunError`` where they do not agree on
    ``lock``.
    """
    if launch.peers is None:
        return None
    place = MeetingPlace(launch.peers, digest=lock["digests"]["all"], peer=secrets.token_hex(4))
    place.agree(lock)
    return SharedWork(place)


class SharedWork:
    """What this peer does, and what it has of the others."""

    def __init__(self, place: MeetingPlace) -> None:
        self.place = place
        self.done = self.again = self.taken = 0
        """Pieces that were done here, those of them that another had claimed, and those that others have
        done.
        """
        self._what = "pieces"
        self._seconds = 0.0
        """That the last one took here."""
        self._order = random.Random(place.peer)
        """Whoever comes begins elsewhere."""

    def results(
        self, pieces: Pieces[R], *, done_here: Callable[[int], object] = lambda at: None
    ) -> Iterator[tuple[int, R]]:
        """Every piece, from 0, with its result, as they come; ``done_here`` hears which were done here.

        Raises ``Behind`` where the others are far ahead.
        """
        self._what = pieces.what
        left = set(range(len(pieces.work)))
        mine = sorted(left, key=lambda at: (at not in pieces.own, self._order.random()))
        since: dict[int, float] = {}
        pause = PAUSES[0]
        while left:
            found = self.place.found(pieces.step)
            if not found.results and not found.claims and self.place.newest() >= pieces.step:
                raise Behind(pieces.since)
            came = False
            for at in sorted(left):
                if (result := self._fetched(pieces, at, found)) is not None:
                    came = True
                    left.remove(at)
                    yield at, result
            claimed = {at for at in left if found.claims.get(pieces.first + at, set()) - {self.place.peer}}
            now = time.monotonic()
            for at in claimed:
                since.setdefault(at, now)
            late = {at for at in claimed if now - since[at] > PATIENCE * self._seconds + LEAST_SECONDS}
            free = [at for at in mine if at in left - claimed] or [at for at in mine if at in late]
            if free:
                at = free[0]
                self.again += at in claimed
                left.remove(at)
                result = self._do(pieces, at)
                done_here(at)
                yield at, result
            elif left and not came:
                time.sleep(pause)
                pause = min(1.5 * pause, PAUSES[1])
                continue
            pause = PAUSES[0]

    def _do(self, pieces: Pieces[R], at: int) -> R:
        number = pieces.first + at
        self.place.claim(pieces.step, number)
        begun = time.monotonic()
        result = pieces.work[at]()
        self._seconds = time.monotonic() - begun
        self.place.publish(pieces.step, number, result.packed())
        self.done += 1
        return result

    def _fetched(self, pieces: Pieces[R], at: int, found: Found) -> R | None:
        """Another's result, where it has come."""
        step, number = pieces.step, pieces.first + at
        digests = found.results.get(number)
        if not digests:
            return None
        where = f"{pieces.what} {number} of step {step:,} at {self.place.address}"
        if len(digests) > 1:
            raise _differ(f"peers have different results for {where}", step)
        data = self.place.fetch(step, number, *digests, most=pieces.most)
        if data is None:
            return None
        try:
            result = pieces.read(data)
        except Damaged as error:
            raise RunError(
                f"{where} cannot be used: {error}",
                exit=Exit.STORAGE,
                help=f"see who writes there, and take `{folder_name(step)}` away",
            ) from None
        if result.weights != pieces.weights:
            raise _differ(f"the peer that did {where} had other weights", step)
        self.taken += 1
        return result

    def told(self) -> str:
        """What this peer has done; nothing where there was nothing to do."""
        of_all = self.done + self.taken
        again = f", {self.again:,} of them after another had claimed it" * bool(self.again)
        plural = {"micro-batch": "micro-batches", "replica": "rounds of replicas"}.get(self._what, self._what)
        if not of_all:
            return ""
        return (
            f"worked out {self.done:,} of {of_all:,} {plural}{again}; sent "
            f"{self.place.sent / 1e6:,.1f} MB and took {self.place.received / 1e6:,.1f} MB"
        )


class Behind(Exception):
    """The others have gone on so far that what this peer needs is there no more, but for a checkpoint."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step
        """Where this peer stands."""


def fingerprint(model: nn.Module) -> str:
    """Of all weights and what else a checkpoint holds, as they are now."""
    state = hashlib.sha256()
    for _, tensor in sorted(model.state_dict().items()):
        state.update(raw_bytes(tensor))
    return state.hexdigest()[:16]


def _differ(what: str, step: int) -> RunError:
    return RunError(
        what,
        exit=Exit.DRIFT,
        help="one of them computes other bits, or sends what it has not computed: `seqspec doctor` on each "
        f"machine; then take `{folder_name(step)}` away and `--resume auto`",
    )
