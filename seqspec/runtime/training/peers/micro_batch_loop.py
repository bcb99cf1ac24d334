"""The training loop of a peer that shares micro-batches: the gradient-accumulating form of DeDLOC.

Diskin et al. (2021), "Distributed Deep Learning in Open Collaborations", arXiv:2106.10207, section 3.1:
peers of different speed gather one large batch, and the update is that of one device with the whole batch.
Here each micro-batch is a piece of work of its own, a pure function of the weights and its number, and
gradients are added in the order of the micro-batches.  So the bits are those of one process that accumulates,
whoever was there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seqspec.data.batching.batch import Batch
from seqspec.runtime.training.lightning_import import Callback, LeanLoop, lightning
from seqspec.runtime.training.peers.micro_batch_result import GradientSum, MicroBatchResult, most_bytes
from seqspec.runtime.training.peers.shared_work import Pieces, SharedWork, fingerprint
from seqspec.schema.diagnostic import Exit, RunError

if TYPE_CHECKING:
    from seqspec.runtime.training.training_module import Training


class MicroBatchLoop(LeanLoop):
    """Of one device; the callback hears the end of each update."""

    def __init__(self, trainer: lightning.Trainer, callback: Callback, shared: SharedWork) -> None:
        super().__init__(trainer, callback)
        self._shared = shared
        self._looked = False
        """Whether a micro-batch has been seen to leave what is no gradient alone."""

    @classmethod
    def lead(cls, trainer: Any, callback: Callback, shared: SharedWork) -> None:
        """Take the place of the loop of ``trainer``."""
        trainer.fit_loop.epoch_loop = cls(trainer, callback, shared)

    def take(self, fetching: Iterator[Any], module: Any, optimizer: Any) -> None:
        """The micro-batches of the epoch, an update's at once."""
        trainer, progress = self.trainer, self.batch_progress
        device, each = trainer.strategy.root_device, trainer.accumulate_grad_batches
        updates = self.automatic_optimization.optim_progress.optimizer.step
        for update in range(int(trainer.num_training_batches) // each):
            fetched = [] if trainer.should_stop else list(islice(fetching, each))
            if len(fetched) < each:
                break
            batches = [module.transfer_batch_to_device(one, device, 0) for one in fetched]
            progress.increment_ready()
            updates.increment_ready()
            closure = partial(self._gradients, module, batches)
            module.optimizer_step(0, update * each, optimizer, closure)
            updates.increment_completed()
            self._callback.on_train_batch_end(trainer, module, {}, batches[-1], update * each)
            progress.increment_completed()

    def _gradients(self, module: Training, batches: Sequence[Batch]) -> None:
        """Those of an update, whoever works them out."""
        module.begin_update()
        parameters = module.cycle.turn.parameters
        weights = fingerprint(module.model)
        pieces = Pieces(
            module.step + 1,
            module.step,
            module.cycle.place * len(batches),
            "micro-batch",
            work=[partial(self._result, module, one, number, weights) for number, one in enumerate(batches)],
            read=partial(MicroBatchResult.unpacked, parameters=parameters),
            most=most_bytes(parameters),
            weights=weights,
        )
        total = GradientSum(parameters)
        for at, result in self._shared.results(pieces):
            total.add(at, result)
        total.finish()
        module.take_results(batches, total.values)

    def _result(self, module: Training, batch: Batch, number: int, weights: str) -> MicroBatchResult:
        parameters = module.cycle.turn.parameters
        before = None if self._looked else {name: one.clone() for name, one in module.model.named_buffers()}
        self._backward(module, batch, number)
        if before is not None:
            _require_still(before, dict(module.model.named_buffers()))
            self._looked = True
        gradients = [parameter.grad for parameter in parameters]
        for parameter in parameters:
            parameter.grad = None
        return MicroBatchResult(gradients, module.taken_values(batch), weights)


def _require_still(before: dict[str, Tensor], now: dict[str, Tensor]) -> None:
    for name, was in before.items():
        if not torch.equal(was, now[name]):
            raise RunError(
                f"`{name}` changes with each micro-batch, and a peer does not see those of the others",
                exit=Exit.USAGE,
                help="use norms that keep no running statistics, such as `layer`, or leave --peers out",
            )
