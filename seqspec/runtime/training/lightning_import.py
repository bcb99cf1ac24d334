"""Lightning, loaded without torch's compiler and without what its metrics might want; import it from here.

Lightning loads torchmetrics for a class or two; that loads ``scipy.signal``, to mend one name of it, and
``transformers``, for metrics that nobody asked for: together more than torch and Lightning take, wherever the
two are installed.  ``LeanModule`` is its module without what it does around each step for nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.runtime.devices.torch_compiler import deferred

SELDOM = ("scipy.signal", "transformers")
"""What torchmetrics loads and hardly anybody uses."""


@contextmanager
def put_off(names: tuple[str, ...]) -> Iterator[None]:
    """Within it importing a module of ``names`` loads nothing; what was taken from it is loaded when used."""
    missing = [name for name in names if name not in sys.modules and _is_installed(name)]
    sys.modules.update({name: _PutOff(name) for name in missing})
    try:
        yield
    finally:
        for name in missing:
            _give_way(name)


def _is_installed(name: str) -> bool:
    package = name.partition(".")[0]
    return package in sys.modules or importlib.util.find_spec(package) is not None


def _give_way(name: str) -> None:
    """The next to import a module finds the real one."""
    if isinstance(sys.modules.get(name), _PutOff):
        del sys.modules[name]


class _PutOff(ModuleType):
    """Stands for a module that is not loaded yet."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = importlib.util.spec_from_loader(name, None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Taken(self.__name__, name)


class _Taken:
    """What was taken by its name from a module that is not loaded yet."""

    def __init__(self, module: str, name: str) -> None:
        self._from, self._called = module, name

    def _real(self) -> Any:
        _give_way(self._from)
        return getattr(importlib.import_module(self._from), self._called)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._real()(*arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, self._real())


with deferred(), put_off(SELDOM):
    import lightning
    from lightning.pytorch.callbacks import Callback
    from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
    from lightning.pytorch.profilers import PassThroughProfiler
    from lightning.pytorch.strategies import SingleDeviceStrategy
    from lightning.pytorch.utilities.model_helpers import is_overridden

__all__ = ["Callback", "LeanLoop", "LeanModule", "PassThroughProfiler", "lightning"]


class LeanModule(lightning.LightningModule):
    """Notes plain values plainly, and leaves a batch where it is wanted already."""

    def __setattr__(self, name: str, value: Any) -> None:
        """As a module's own, which looks for the name among weights, buffers and parts each time: Lightning
        writes down the names of its hooks forty times a step.
        """
        if name in self.__dict__ and not isinstance(value, Tensor | nn.Module):
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """What lies in the host's memory is where a CPU wants it."""
        if device.type == "cpu":
            return batch
        return super().transfer_batch_to_device(batch, device, dataloader_idx)


class LeanLoop(_TrainingEpochLoop):
    """Takes each batch through ``training_step``, ``backward``, ``on_after_backward`` and ``optimizer_step``
    of the module and ``on_train_batch_end`` of one callback, as Lightning's own loop does.  It leaves out
    hooks that nobody hears, the table of logged values and most notes of how far it is.
    """

    UNHEARD = (
        "on_before_batch_transfer", "on_after_batch_transfer", "on_train_batch_start", "on_before_zero_grad",
        "on_before_backward", "on_before_optimizer_step", "backward", "configure_gradient_clipping",
        "lr_scheduler_step",
    )  # fmt: skip
    """Hooks of a batch that it does not call."""

    @classmethod
    def drive(cls, trainer: Any, module: LeanModule, callback: Callback) -> None:
        """Take the place of the loop of ``trainer`` where it would do the same: on one device, nobody but
        ``callback`` listening, which hears ``on_train_batch_end`` alone of a batch.

        Of processes that train apart too: in Lightning's own each waits for the first at every micro-batch.
        """
        heard = ((module, "on_train_batch_end"), (callback, "on_after_backward"))
        unheard = not any(is_overridden(name, one) for one, more in heard for name in (*cls.UNHEARD, more))
        alone = trainer.callbacks == [callback] and not trainer.loggers
        unwatched = isinstance(trainer.profiler, PassThroughProfiler)
        if unheard and alone and unwatched and isinstance(trainer.strategy, SingleDeviceStrategy):
            trainer.fit_loop.epoch_loop = cls(trainer, callback)

    def __init__(self, trainer: lightning.Trainer, callback: Callback) -> None:
        super().__init__(trainer)
        self._callback = callback

    def run(self, data_fetcher: Any) -> None:
        """One epoch, of which there is one.  The loader itself is read, not ``data_fetcher``."""
        self.reset()
        (optimizer,) = self.trainer.optimizers
        with closing(iter(self.trainer.train_dataloader)) as batches:
            self.take(batches, self.trainer.lightning_module, optimizer)

    def take(self, fetching: Iterator[Any], module: Any, optimizer: Any) -> None:
        """The batches of the epoch, one after another."""
        trainer, progress = self.trainer, self.batch_progress
        device, each = trainer.strategy.root_device, trainer.accumulate_grad_batches
        updates = self.automatic_optimization.optim_progress.optimizer.step
        for number in range(int(trainer.num_training_batches)):
            if trainer.should_stop or (fetched := next(fetching, None)) is None:
                break
            progress.increment_ready()
            batch = module.transfer_batch_to_device(fetched, device, 0)
            backward = partial(self._backward, module, batch, number)
            if each > 1 and self._should_accumulate():
                backward()
            else:
                updates.increment_ready()
                module.optimizer_step(0, number, optimizer, backward)
                updates.increment_completed()
            self._callback.on_train_batch_end(trainer, module, {}, batch, number)
            progress.increment_completed()

    def _backward(self, module: Any, batch: Any, number: int) -> None:
        with self.trainer.precision_plugin.forward_context():
            loss = module.training_step(batch, number)
        if self.trainer.accumulate_grad_batches > 1:
            loss = loss / self.trainer.accumulate_grad_batches
        loss.backward()
        module.on_after_backward()
