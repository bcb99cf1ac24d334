"""What replicas have sent each other of some of their tensors and not yet taken up.

All gather the messages of all in the background, while they train on.  Their mean is summed in the order of
the replicas, so it has the same bits however many processes play them and whenever it is asked for: a
checkpoint holds the mean, whose size does not grow with the replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seqspec.runtime.devices.launch import Place
from seqspec.runtime.training.strategies.replica_messages import packed, unpacked
from seqspec.schema.procedure._procedure import Exchange


@dataclass(frozen=True)
class PendingExchange:
    """Changes of some tensors, under way between the replicas."""

    due: Sequence[int]
    """Their places among a replica's tensors."""
    rests: Mapping[int, Sequence[Tensor | None]]
    """By replica of this process: how far it is from where its message has it, for each tensor of which it
    keeps that.
    """
    mean: Callable[[], Sequence[Tensor]]
    """Of the changes of all replicas, in float32; waits until they are there."""

    @classmethod
    def send(
        cls,
        due: Sequence[int],
        changes: Mapping[int, Sequence[Tensor]],
        forms: Sequence[Exchange],
        *,
        keeps: Sequence[bool],
        like: Sequence[Tensor],
        heard: Mapping[int, Tensor],
        replicas: int,
        place: Place,
    ) -> PendingExchange:
        """Send the changes of each replica of this process, a tensor in its form for each of ``due`` and of
        the shapes of ``like``, and wait for nothing.  ``keeps``: of which a replica keeps what its message
        could not say.  ``heard``: messages that have come another way.  All processes call it.
        """
        own = {number: packed(change, forms) for number, change in changes.items()}
        rests = {number: rests_of(change, own[number], forms, keeps) for number, change in changes.items()}
        shapes = [one.to("meta") for one in like]
        gathering = _Gathering(own, shapes, forms, replicas=replicas, place=place)
        for number, message in heard.items():
            gathering.messages[number] = message
        return cls(due, rests, gathering.mean)


def rests_of(
    change: Sequence[Tensor], message: Tensor, forms: Sequence[Exchange], keeps: Sequence[bool]
) -> list[Tensor | None]:
    """What a replica's message could not say of each tensor of which it ``keeps`` that."""
    if not any(keeps):
        return [None] * len(change)
    said = zip(unpacked(message, change, forms), change, keeps, strict=True)
    return [one - exact if kept else None for one, exact, kept in said]


class _Gathering:
    """The messages of all replicas, given those of this process."""

    def __init__(
        self,
        own: Mapping[int, Tensor],
        like: Sequence[Tensor],
        forms: Sequence[Exchange],
        *,
        replicas: int,
        place: Place,
    ) -> None:
        self._like, self._forms = like, forms
        self.messages = [torch.empty(0)] * replicas
        self._works: list[Any] = []
        self._mean: Sequence[Tensor] | None = None
        for number, message in own.items():
            if place.world == 1:
                self.messages[number] = message
                continue
            everyones = [torch.empty_like(message) for _ in range(place.world)]
            first = number - place.rank
            self.messages[first : first + place.world] = everyones
            self._works.append(torch.distributed.all_gather(everyones, message, async_op=True))

    def mean(self) -> Sequence[Tensor]:
        """Summed in the order of the replicas."""
        if self._mean is None:
            for work in self._works:
                work.wait()
            total = self._said(self.messages[0])
            for message in self.messages[1:]:
                for mean, change in zip(total, self._said(message), strict=True):
                    mean += change
            self._mean = [mean.div_(len(self.messages)) for mean in total]
            self.messages, self._works = [], []
        return self._mean

    def _said(self, message: Tensor) -> list[Tensor]:
        return unpacked(message, self._like, self._forms)
