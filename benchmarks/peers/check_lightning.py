"""LightningCLI: module and data module take the same dataclasses; parsed and instantiated."""

import sys

import torch  # noqa: F401  what every training script of it loads
from experiment import Data, Model, Optimizer, Train
from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningCLI


class Module(LightningModule):
    def __init__(self, model: Model, optimizer: Optimizer, train: Train) -> None:
        super().__init__()


class Corpus(LightningDataModule):
    def __init__(self, data: Data) -> None:
        super().__init__()


trainer = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
cli = LightningCLI(
    Module,
    Corpus,
    run=False,
    args=["--config", sys.argv[1]],
    trainer_defaults=trainer,
    parser_kwargs={"parser_mode": "omegaconf"},
    save_config_callback=None,
)
given = cli.config
print(
    "READ",
    repr(given.model.optimizer.learning_rate),
    repr(given.data.data.source_language),
    repr(given.model.train.max_steps),
)
