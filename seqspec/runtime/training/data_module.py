"""The training stream as a ``LightningDataModule``, for a plain ``lightning.Trainer``."""

from __future__ import annotations

from collections.abc import Iterable

from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.training.lightning_import import lightning
from seqspec.runtime.training.streams import training_stream
from seqspec.runtime.training.training_module import Training


class TrainingData(lightning.LightningDataModule):
    """Batches from the module's next step to the last step of the plan, in one process."""

    def __init__(self, assembled: Assembled, module: Training, *, workers: int | None = None) -> None:
        super().__init__()
        self.assembled = assembled
        self.module = module
        self.workers = workers

    def train_dataloader(self) -> Iterable[Batch]:
        turns = len(self.module.cycle.turns)
        return training_stream(
            self.assembled,
            max_steps=self.assembled.compiled.plan.experiment.train.max_steps * turns,
            micro_batches=self.module.micro_batches,
            launch=Launch(device="cpu", workers=self.workers),
            place=Place(),
        )(self.module.step * turns)
