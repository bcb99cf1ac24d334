"""Replicas of a model that train apart and meet seldom.

Each has weights, running statistics and optimiser state of its own; between two turns the model holds the
anchor, what they last agreed on, which is evaluated and kept.  How far each has come is summed in the
order of the replicas, never by an all-reduce, so that one process which plays them one after another and
several processes which share them give the same bits.

The weights may be cut into fragments that meet at steps of their own, so that less is sent at once, and the
replicas may take steps while one is under way: the outer step is that of the changes as they were sent, and
each replica mixes what arrives with its own weights (streaming DiLoCo, arXiv:2501.18512, algorithm 2).

Where a message holds signs only, a replica goes on from the new anchor and what the message could not say:
the error feedback of Karimireddy et al. (2019), arXiv:1901.09847, whose memory is here the replica's own
weights.  Mixing keeps it whole: a replica's own weights, of which it keeps a share, have it in them too.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.runtime.devices.launch import Place
from seqspec.runtime.devices.processes import gather
from seqspec.runtime.training.optimizers.optimizer_state import load_optimizer, optimizer_tensors
from seqspec.runtime.training.strategies.pending_exchange import PendingExchange, rests_of
from seqspec.runtime.training.strategies.replica_messages import form_bytes, packed
from seqspec.schema.procedure._procedure import Apart, Exchange

Named = Mapping[str, Tensor]


@dataclass
class Replica:
    """What one replica holds while it waits for its turn."""

    tensors: list[Tensor]
    """Weights and running statistics."""
    states: list[Any]
    """The state of each optimiser."""


class Replicas:
    """The replicas that this process plays: number ``rank``, ``rank + world``, …"""

    def __init__(
        self,
        apart: Apart,
        model: nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        place: Place,
        *,
        last: int | None = None,
    ) -> None:
        """``last``: the step after which all fragments meet."""
        self.last = last
        self.apart, self.place, self.optimizers, self.model = apart, place, list(optimizers), model
        learned = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        held = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        self.names = [name for name in held if name in learned or name in dict(model.named_buffers())]
        self._held = [held[name] for name in self.names]
        self._outer = [name in learned for name in self.names]
        """What the outer step moves; running statistics become the mean."""
        self._forms: list[Exchange] = [apart.exchange if outer else "float32" for outer in self._outer]
        self._fragment = fragments_of([one.numel() for one in self._held], apart.fragments)
        self.anchor = self._copies()
        self.momentum = [torch.zeros_like(one) for one in self.anchor]
        self.numbers = list(range(place.rank, apart.replicas, place.world))
        self.replicas = {number: Replica(self._copies(), self._fresh()) for number in self.numbers}
        self.waited = 0.0
        """Seconds that this process has waited for what the others send, to put it together included."""
        self._pending: PendingExchange | None = None
        self.bring: Callable[[int], None] | None = None
        """Has a replica that another process plays adopted here."""
        self._collected: list[dict[int, tuple[Named, Named, Named]]] = []

    def _copies(self) -> list[Tensor]:
        return [one.detach().clone() for one in self._held]

    def _fresh(self) -> list[Any]:
        return [defaultdict(dict) for _ in self.optimizers]

    @torch.no_grad()
    def enter(self, turn: int) -> int:
        """Put the replica of this process's turn into the model; gives its number."""
        number = self.numbers[turn]
        self._put(self.replicas[number].tensors)
        for optimizer, state in zip(self.optimizers, self.replicas[number].states, strict=True):
            optimizer.state = state
        return number

    @torch.no_grad()
    def leave(self, turn: int) -> None:
        """Take it out again after its update; the model holds the anchor."""
        replica = self.replicas[self.numbers[turn]]
        for kept, held in zip(replica.tensors, self._held, strict=True):
            kept.copy_(held)
        self._put(self.anchor)

    def _put(self, tensors: Sequence[Tensor]) -> None:
        for held, one in zip(self._held, tensors, strict=True):
            held.detach().copy_(one)

    @torch.no_grad()
    def meet(self, step: int, heard: Mapping[int, Tensor] = MappingProxyType({})) -> None:
        """After this step, take up what is there and send what is due.  All processes call it.

        ``heard``: messages of replicas that nobody here plays, from ``hand_over``.
        """
        ends = step == self.last
        if self._pending and (ends or self.apart.arrives(step)):
            self._take_up(self._pending, mixing=self.apart.mixing)
        due = self._due(step)
        if not due:
            return
        self._pending = self._send(due, heard)
        if ends or not self.apart.overlap:
            self._take_up(self._pending, mixing=0.0)

    def _due(self, step: int) -> list[int]:
        """Which tensors meet after a step."""
        return [
            at
            for at, fragment in enumerate(self._fragment)
            if step == self.last or self.apart.is_due(fragment, step)
        ]

    def _changes(self, number: int, due: Sequence[int]) -> list[Tensor]:
        """How far a replica is from the anchor."""
        own = self.replicas[number].tensors
        return [self.anchor[at] - own[at] for at in due]

    def _send(self, due: Sequence[int], heard: Mapping[int, Tensor]) -> PendingExchange:
        return PendingExchange.send(
            due,
            {number: self._changes(number, due) for number in self.replicas},
            [self._forms[at] for at in due],
            keeps=self._keeps(due),
            like=[self.anchor[at] for at in due],
            heard=heard,
            replicas=self.apart.replicas,
            place=self.place,
        )

    def _keeps(self, due: Sequence[int]) -> list[bool]:
        return [self.apart.keeps_rest and self._outer[at] for at in due]

    # Replicas that go from one process to another.

    @torch.no_grad()
    def hand_over(self, number: int, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """What a replica says when it meets the others after ``step``, and what whoever plays it from there
        needs beside the new anchor.
        """
        due = self._due(step)
        forms, changes = [self._forms[at] for at in due], self._changes(number, due)
        message = packed(changes, forms)
        rests = dict(zip(due, rests_of(changes, message, forms, self._keeps(due)), strict=True))
        found = {f"optimizer:{name}": one for name, one in self._states(self.replicas[number]).items()}
        for at, (name, own) in enumerate(zip(self.names, self.replicas[number].tensors, strict=True)):
            if at not in rests:
                found[f"own:{name}"] = own
            elif (rest := rests[at]) is not None:
                found[f"rest:{name}"] = rest
        return message, found

    @torch.no_grad()
    def adopt(self, number: int, found: Mapping[str, Tensor]) -> None:
        """Play a replica from here on, of which ``hand_over`` gave this at the last meeting.

        Raises ``ValueError`` where it is of another model.
        """
        tensors = []
        for name, anchor in zip(self.names, self.anchor, strict=True):
            own, rest = found.get(f"own:{name}"), found.get(f"rest:{name}")
            for one in (own, rest):
                if one is not None and (one.shape != anchor.shape or one.dtype != anchor.dtype):
                    raise ValueError(f"`{name}` is {list(one.shape)}, and it should be {list(anchor.shape)}")
            agreed = anchor.clone() if own is None else own
            tensors.append(agreed if rest is None else agreed + rest)
        states = {
            name.removeprefix("optimizer:"): one
            for name, one in found.items()
            if name.startswith("optimizer:")
        }
        self.replicas[number] = Replica(tensors, self._loaded_states(states))

    def next_meeting(self, step: int) -> int:
        """The first step after this one behind which any tensors meet."""
        return next(after for after in itertools.count(step + 1) if self._due(after))

    def sizes(self, step: int) -> tuple[int, int]:
        """Bytes of a message after ``step``, and the most that ``hand_over`` gives beside it."""
        message = sum(form_bytes(self.anchor[at].numel(), self._forms[at]) for at in self._due(step))
        held = sum(one.numel() * max(one.element_size(), 4) + 4096 for one in self.anchor)
        return message, 4 * held + 2**20

    def keep(self, numbers: Collection[int]) -> None:
        """Hold these replicas only; others play the rest."""
        self.replicas = {number: one for number, one in self.replicas.items() if number in numbers}

    def _take_up(self, pending: PendingExchange, *, mixing: float) -> None:
        """The outer step (algorithm 1, lines 11 to 13): everybody goes on from the new anchor, and from what
        it could not say; of its own weights it keeps a share, ``mixing``.
        """
        begun, mean = time.perf_counter(), pending.mean()
        self.waited += time.perf_counter() - begun
        self._pending = None
        for at, change in zip(pending.due, mean, strict=True):
            anchor, momentum = self.anchor[at], self.momentum[at]
            if not anchor.is_floating_point():
                # A count, the same everywhere.
                here = next(iter(self.replicas.values()), None)
                anchor.copy_(here.tensors[at] if here else anchor - change.to(anchor.dtype))
            elif not self._outer[at]:
                anchor.sub_(change)
            else:
                momentum.mul_(self.apart.momentum).add_(change)
                anchor.sub_(change.add(momentum, alpha=self.apart.momentum), alpha=self.apart.rate)
        for number, replica in self.replicas.items():
            for at, rest in zip(pending.due, pending.rests[number], strict=True):
                own, agreed = replica.tensors[at], self.anchor[at]
                agreed = agreed if rest is None else agreed + rest
                if mixing and own.is_floating_point():
                    own.mul_(mixing).add_(agreed, alpha=1 - mixing)
                else:
                    own.copy_(agreed)
        self._put(self.anchor)

    def megabytes(self, step: int) -> float:
        """What each replica has sent by a step, in units of a million bytes."""
        sent = 0
        for one, form, fragment in zip(self.anchor, self._forms, self._fragment, strict=True):
            beside = step == self.last and not self.apart.is_due(fragment, step)
            sent += (self.apart.meetings(fragment, step) + beside) * form_bytes(one.numel(), form)
        return sent / 1e6

    def collect(self) -> None:
        """Bring what every replica holds to every process, for a checkpoint.  All processes call it."""
        if self._pending:
            self._pending.mean()
        if self.bring:
            for number in sorted(set(self.numbers) - self.replicas.keys()):
                self.bring(number)
        mine = {
            number: (self._named(one.tensors), self._states(one), self._rests(number))
            for number, one in self.replicas.items()
        }
        self._collected = gather(mine)

    def _rests(self, number: int) -> Named:
        """What the message that is under way could not say of a replica."""
        if not self._pending:
            return {}
        rests = zip(self._pending.due, self._pending.rests[number], strict=True)
        return {self.names[at]: rest for at, rest in rests if rest is not None}

    def _named(self, tensors: Sequence[Tensor]) -> Named:
        return dict(zip(self.names, tensors, strict=True))

    def _states(self, replica: Replica) -> Named:
        for optimizer, state in zip(self.optimizers, replica.states, strict=True):
            optimizer.state = state
        return optimizer_tensors(self.optimizers, self.model)

    def tensors(self) -> dict[str, Named]:
        """For a checkpoint, after ``collect``."""
        found = {"outer": self._named(self.momentum)}
        if self._pending:
            changes = zip(self._pending.due, self._pending.mean(), strict=True)
            found["pending"] = {self.names[at]: change for at, change in changes}
        every = {number: held for part in self._collected for number, held in part.items()}
        for number, (tensors, states, rests) in sorted(every.items()):
            found |= {f"replica_{number}": tensors, f"replica_{number}_optimizer": states}
            found |= {f"replica_{number}_pending": rests} if rests else {}
        self._collected = []
        return found

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Named]) -> None:
        """Take up what ``tensors`` gave, the model being at the anchor."""
        self.anchor = self._copies()
        self.momentum = [tensors["outer"][name].clone() for name in self.names]
        for number, replica in self.replicas.items():
            saved = tensors[f"replica_{number}"]
            replica.tensors = [saved[name].clone() for name in self.names]
            replica.states = self._loaded_states(tensors[f"replica_{number}_optimizer"])
        self._pending = self._loaded(tensors) if "pending" in tensors else None

    def _loaded_states(self, tensors: Named) -> list[Any]:
        found = []
        for optimizer, fresh in zip(self.optimizers, self._fresh(), strict=True):
            optimizer.state = fresh
            load_optimizer(optimizer, self.model, tensors)
            found.append(optimizer.state)
        return found

    def _loaded(self, tensors: Mapping[str, Named]) -> PendingExchange:
        """What was under way when the checkpoint was written."""
        changes = tensors["pending"]
        due = [at for at, name in enumerate(self.names) if name in changes]
        rests: dict[int, list[Tensor | None]] = {}
        for number in self.numbers:
            saved = tensors.get(f"replica_{number}_pending", {})
            found = [saved.get(self.names[at]) for at in due]
            rests[number] = [None if one is None else one.clone() for one in found]
        mean = [changes[self.names[at]].clone() for at in due]
        return PendingExchange(due, rests, lambda: mean)


def fragments_of(sizes: Sequence[int], count: int) -> list[int]:
    """Which of ``count`` fragments, from 0, each tensor is in: neighbours together, as even as tensors
    allow.
    """
    total, before, found = max(sum(sizes), 1), 0, []
    for size in sizes:
        found.append(min((2 * before + size) * count // (2 * total), count - 1))
        before += size
    return found
