"""The training loop of a peer that plays replicas: DiLoCo whose replicas go from one peer to another.

A piece of work is a round, one replica's steps from a meeting to the next: a pure function of the anchor and
of that replica's state.  All know the anchor, since everybody hears what each replica says; the state, which
is larger, goes only to whoever plays the replica next.  So the bits are those of one process that plays all
replicas in turn, whoever was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from seqspec.data.batching.batch import Batch
from seqspec.runtime.checkpoints.tensor_file import Damaged, packed_tensors, parsed
from seqspec.runtime.training.lightning_import import Callback, LeanLoop, lightning
from seqspec.runtime.training.peers.replica_round import ReplicaRound
from seqspec.runtime.training.peers.shared_work import Behind, Pieces, SharedWork, fingerprint
from seqspec.runtime.training.strategies.replicas import Replicas
from seqspec.schema.diagnostic import Exit, RunError

if TYPE_CHECKING:
    from seqspec.runtime.training.training_module import Training

ReplicaStream = Callable[[int, int, int], Iterable[Batch]]
"""The micro-batches of replica *k* from after one step to after another."""


class ReplicaLoop(LeanLoop):
    """Of one device; the callback hears the end of each step, when the round that it is of is over."""

    def __init__(
        self, trainer: lightning.Trainer, callback: Callback, shared: SharedWork, stream: ReplicaStream
    ) -> None:
        super().__init__(trainer, callback)
        self._shared, self._stream = shared, stream
        self._elsewhere: dict[int, tuple[int, str]] = {}
        """Replicas that others play: the step after which they last met, and the SHA-256 of their state."""
        self._state_bytes = 0
        """The most that a state has."""

    @classmethod
    def lead(cls, trainer: Any, callback: Callback, shared: SharedWork, stream: ReplicaStream) -> None:
        """Take the place of the loop of ``trainer``."""
        trainer.fit_loop.epoch_loop = cls(trainer, callback, shared, stream)

    def run(self, data_fetcher: Any) -> None:
        """One epoch, of which there is one; the batches of each replica have a stream of their own."""
        self.reset()
        trainer = self.trainer
        module: Any = trainer.lightning_module
        replicas: Replicas = module.replicas
        replicas.bring = self._bring
        while module.step < replicas.last and not trainer.should_stop:
            self._round(module, replicas, replicas.next_meeting(module.step))

    def _round(self, module: Training, replicas: Replicas, end: int) -> None:
        start, weights = module.step, fingerprint(module.model)
        message, self._state_bytes = replicas.sizes(end)
        pieces = Pieces(
            end, start, 0, "replica",
            work=[partial(self._play, module, replicas, number, end, weights) for number in replicas.numbers],
            read=partial(ReplicaRound.unpacked, size=message, count=end - start),
            most=message + 4096 * (end - start) * module.micro_batches + 2**20,
            weights=weights, own=replicas.replicas.keys(),
        )  # fmt: skip
        played: set[int] = set()
        rounds: dict[int, ReplicaRound] = {}
        for number, result in self._shared.results(pieces, done_here=played.add):
            rounds[number] = result
        replicas.keep(played)
        self._elsewhere = {
            number: (end, rounds[number].state) for number in replicas.numbers if number not in played
        }
        heard = {number: rounds[number].message for number in self._elsewhere}
        for step in range(start, end):
            for number in replicas.numbers:
                module.window.absorb(rounds[number].steps[step - start])
            module.finish_step_of_round(heard if step + 1 == end else {})
            self._callback.on_train_batch_end(self.trainer, module, {}, None, step)

    def _play(
        self, module: Training, replicas: Replicas, number: int, end: int, weights: str
    ) -> ReplicaRound:
        """The steps of one replica; the model is at the anchor again behind them."""
        if number not in replicas.replicas:
            self._bring(number)
        (optimizer,) = self.trainer.optimizers
        device, each = self.trainer.strategy.root_device, self.trainer.accumulate_grad_batches
        start, window = module.step, module.window
        batches = iter(self._stream(number, start, end))
        steps: list[Mapping[str, Any]] = []
        with module.cycle.standing_at(number):
            for module.step in range(start, end):
                module.window = window.emptied()
                for at, batch in enumerate(islice(batches, each)):
                    there = module.transfer_batch_to_device(batch, device, 0)
                    backward = partial(self._backward, module, there, at)
                    if at + 1 < each:
                        backward()
                    else:
                        module.optimizer_step(0, at, optimizer, backward)
                module.settle()
                steps.append(module.window.state())
        module.step, module.window = start, window
        message, state = replicas.hand_over(number, end)
        digest = self._shared.place.publish(end, number, packed_tensors(state), kind="state")
        return ReplicaRound(message, digest, steps, weights)

    def _bring(self, number: int) -> None:
        """Take over a replica that another has played."""
        replicas: Replicas = self.trainer.lightning_module.replicas
        step, digest = self._elsewhere[number]
        data = self._shared.place.fetch(step, number, digest, most=self._state_bytes, kind="state")
        if data is None:
            raise Behind(step)
        try:
            replicas.adopt(number, parsed(data, "a state")[0])
        except (Damaged, ValueError, KeyError) as error:
            raise RunError(
                f"the state of replica {number} after step {step:,} at {self._shared.place.address} "
                f"cannot be used: {error}",
                exit=Exit.STORAGE,
                help="see who writes there",
            ) from None
