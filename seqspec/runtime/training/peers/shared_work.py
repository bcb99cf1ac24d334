"""The micro-batches of an update, shared with whoever is there: the gradient-accumulating form of DeDLOC.

Diskin et al. (2021), "Distributed Deep Learning in Open Collaborations", arXiv:2106.10207, section 3.1:
peers of different speed gather one large batch, and the update is that of one device with the whole batch.
Here each micro-batch is a piece of work of its own, a pure function of the weights and its number, and
gradients are added in the order of the micro-batches.  So the bits are those of one process that accumulates,
whoever was there.

Nobody tells who is alive.  A peer takes what nobody has claimed; where all is claimed it waits three times as
long as such a piece takes itself, and then does it again.
"""

from __future__ import annotations

import hashlib
import random
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from seqspec.runtime.checkpoints.checkpoint import folder_name
from seqspec.runtime.checkpoints.tensor_file import Damaged, raw_bytes
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.reproducibility.lock import Lock
from seqspec.runtime.training.peers.meeting_place import Found, MeetingPlace
from seqspec.runtime.training.peers.micro_batch_result import MicroBatchResult, most_bytes
from seqspec.schema.diagnostic import Exit, RunError

if TYPE_CHECKING:
    pass

PATIENCE = 3.0
"""Times that a piece of work takes here, before one that another has claimed is done again."""
LEAST_SECONDS = 2.0
"""Added to that: what it takes for a claim and a result to come over."""
PAUSES = (0.01, 0.5)
"""Seconds between two looks, at first and at most."""

Work = Callable[[], MicroBatchResult]


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
        """Micro-batches that were done here, those of them that another had claimed, and those that others
        have done.
        """
        self._seconds = 0.0
        """That the last one took here."""
        self._order = random.Random(place.peer)
        """Whoever comes begins elsewhere."""

    def gradients(
        self,
        step: int,
        first: int,
        work: Sequence[Callable[[], MicroBatchResult]],
        parameters: Sequence[nn.Parameter],
        *,
        weights: str,
    ) -> list[MicroBatchResult]:
        """The results of an update's micro-batches in order, numbered from ``first`` in ``step``; the sum of
        their gradients is left in ``parameters``.  Those that are done here are done by ``work``.
        """
        total = _Sum(parameters)
        left = set(range(len(work)))
        since: dict[int, float] = {}
        pause = PAUSES[0]
        mine = sorted(left, key=lambda _: self._order.random())
        while left:
            found = self.place.found(step)
            if not found.results and not found.claims:
                self._require_not_behind(step)
            came = [at for at in sorted(left) if self._fetched(step, first, at, found, total, weights)]
            left.difference_update(came)
            if not left:
                break
            now = time.monotonic()
            claimed = {at for at in left if found.claims.get(first + at, set()) - {self.place.peer}}
            for at in claimed:
                since.setdefault(at, now)
            late = {at for at in claimed if now - since[at] > PATIENCE * self._seconds + LEAST_SECONDS}
            free = [at for at in mine if at in left - claimed] or [at for at in mine if at in late]
            if free:
                at = free[0]
                self.again += at in claimed
                total.add(at, self._do(step, first + at, work[at]))
                left.remove(at)
                pause = PAUSES[0]
            elif came:
                pause = PAUSES[0]
            else:
                time.sleep(pause)
                pause = min(1.5 * pause, PAUSES[1])
        return total.finish()

    def _do(self, step: int, number: int, work: Work) -> MicroBatchResult:
        self.place.claim(step, number)
        begun = time.monotonic()
        result = work()
        self._seconds = time.monotonic() - begun
        self.place.publish(step, number, result.packed())
        self.done += 1
        return result

    def _fetched(self, step: int, first: int, at: int, found: Found, total: _Sum, weights: str) -> bool:
        """Whether another's result has come."""
        digests = found.results.get(first + at)
        if not digests:
            return False
        where = f"micro-batch {first + at} of step {step:,} at {self.place.address}"
        if len(digests) > 1:
            raise _differ(f"peers have different results for {where}", step)
        data = self.place.fetch(step, first + at, *digests, most=most_bytes(total.parameters))
        if data is None:
            return False
        try:
            result = MicroBatchResult.unpacked(data, total.parameters)
        except Damaged as error:
            raise RunError(
                f"{where} cannot be used: {error}",
                exit=Exit.STORAGE,
                help=f"see who writes there, and take `{folder_name(step)}` away",
            ) from None
        if result.weights != weights:
            raise _differ(f"the peer that did {where} had other weights", step)
        total.add(at, result)
        self.taken += 1
        return True

    def _require_not_behind(self, step: int) -> None:
        newest = self.place.newest()
        if newest >= step:
            raise Behind(step - 1)

    def told(self) -> str:
        """What this peer has done."""
        all_of_them = self.done + self.taken
        again = f", {self.again:,} of them after another had claimed it" * bool(self.again)
        return (
            f"worked out {self.done:,} of {all_of_them:,} micro-batches{again}; sent "
            f"{self.place.sent / 1e6:,.1f} MB of gradients and took {self.place.received / 1e6:,.1f} MB"
        )


class _Sum:
    """Gradients added in the order of the micro-batches, as they come."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = parameters
        self._waiting: dict[int, MicroBatchResult] = {}
        self._results: list[MicroBatchResult] = []
        self._total: list[Tensor | None] = [None] * len(parameters)

    @torch.no_grad()
    def add(self, at: int, result: MicroBatchResult) -> None:
        self._waiting[at] = result
        while (next_one := self._waiting.pop(len(self._results), None)) is not None:
            for number, gradient in enumerate(next_one.gradients):
                if gradient is not None:
                    held = self._total[number]
                    self._total[number] = gradient if held is None else held.add_(gradient)
            self._results.append(MicroBatchResult((), next_one.values, next_one.weights))

    def finish(self) -> list[MicroBatchResult]:
        for parameter, gradient in zip(self.parameters, self._total, strict=True):
            parameter.grad = gradient
        return self._results


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
