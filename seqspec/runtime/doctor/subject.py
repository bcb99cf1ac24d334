"""What the checks look at: the built experiment and a handful of its training examples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqspec.compile.build.program import Program
from seqspec.components.losses import LossSum
from seqspec.components.outputs import Aligned, Output, Scored
from seqspec.components.protocols import GivesOutputs
from seqspec.data.batching.batch import Batch
from seqspec.data.batching.collate import AnySplit, collate
from seqspec.data.seeds import seed_of
from seqspec.data.stages.packing import PackedSplit
from seqspec.data.stages.prepare import Prepared
from seqspec.runtime.devices.torch_compiler import update

EXAMPLES = 16
LARGE = 60_000_000
"""Parameters above which a model is only looked at, not trained: on a CPU that would take too long."""


@dataclass(frozen=True)
class Patient:
    """One built experiment over prepared data."""

    program: Program
    prepared: Prepared
    searcher: Any
    max_steps: int = 400
    """Steps of the longest of the small trainings."""
    num_examples: int = EXAMPLES
    """How many examples are looked at; fewer where the split has not so many that differ."""

    @property
    def model(self) -> nn.Module:
        """The model as it was built; checks that change it take ``fresh``."""
        return self.program.module

    def fresh(self) -> nn.Module:
        """A copy of the model with its first weights, ready to train."""
        return copy.deepcopy(self.model)

    @property
    def seed(self) -> int:
        """The experiment's seed."""
        return self.program.plan.experiment.seed

    @cached_property
    def _first_output(self) -> Output:
        """What the untrained model gives for the examples."""
        with torch.no_grad():
            return self.output(self.fresh().eval(), self.batch())

    @property
    def aligned(self) -> bool:
        """Whether the model scores the states of its source, and writes no token after another."""
        return isinstance(self._first_output, Aligned)

    @property
    def labelled(self) -> bool:
        """Whether what the model learns are labels or tokens, one by one; others learn images or masks."""
        return isinstance(self._first_output, Scored | Aligned)

    @cached_property
    def train(self) -> AnySplit:
        """The training split."""
        return self.prepared.splits["train"]

    @property
    def packed(self) -> bool:
        """Whether examples are packed rows."""
        return isinstance(self.train, PackedSplit)

    @property
    def predicts_images(self) -> bool:
        """Whether what the model learns is its source, an image, value by value."""
        return getattr(self.program.plan.experiment.model, "values", 0) > 0

    @property
    def has_source(self) -> bool:
        """Whether the model reads a source beside what it learns."""
        return "source" in self.train.roles and not self.predicts_images

    @cached_property
    def examples(self) -> np.ndarray:
        """A few different training examples of modest length, the same in every run."""
        lengths = np.asarray(self.train.lengths).sum(axis=1)
        order = np.argsort(lengths, kind="stable")
        window = order[int(0.1 * len(order)) : max(int(0.4 * len(order)), self.num_examples)]
        rng = np.random.default_rng(seed_of(self.seed, "doctor"))
        found: dict[bytes, int] = {}
        for index in rng.permutation(window).tolist():
            found.setdefault(np.asarray(self.target(index)).tobytes(), index)
            if len(found) == self.num_examples:
                break
        return np.array(sorted(found.values()), np.int64)

    def target(self, index: int) -> Any:
        """The target of an example, to tell examples apart by."""
        if isinstance(self.train, PackedSplit):
            return self.train.row(index).labels
        if self.predicts_images:
            return np.asarray(self.train.value("source", index)).reshape(-1)
        return self.train.value("target" if "target" in self.train.roles else "source", index)

    def batch(self, examples: Sequence[int] | np.ndarray | None = None) -> Batch:
        """A batch of training examples, without augmentation."""
        chosen = self.examples if examples is None else np.asarray(examples, np.int64)
        return collate(self.train, chosen, step=0, loss_normalizers={"loss": 1.0}, seed=self.seed)

    def loss(self, model: nn.Module, batch: Batch, *, training: bool = False) -> LossSum:
        """The loss, always with the same random numbers."""
        model.train(training)
        self.program.losses.train(training)
        torch.manual_seed(seed_of(self.seed, "doctor"))
        return self.program.losses(model, batch)

    def nats(self, model: nn.Module, batch: Batch) -> float:
        """Mean negative log-likelihood of a target, in evaluation mode."""
        with torch.no_grad():
            loss = self.loss(model, batch)
        total = loss.terms.get("nll", loss.terms.get("ctc", loss.total))
        return float(total) / max(float(loss.count), 1.0)

    def captured(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """The scores that the main output holds, and the logits that its head makes of them where it does."""
        model.eval()
        torch.manual_seed(seed_of(self.seed, "doctor"))
        with torch.no_grad():
            output = self.output(model, batch)
            head = getattr(output, "head", None)
            return output.scores, None if head is None else head(output.scores)

    @property
    def compares(self) -> bool:
        """Whether a loss compares the examples of a batch with each other."""
        return bool(self.program.losses.chosen(None, whole_batch=True))

    def output(self, model: nn.Module, batch: Batch) -> Output:
        """The output that the first loss reads."""
        on = self.program.losses.main
        assert isinstance(model, GivesOutputs)
        return model.outputs(batch, only=frozenset((on,)))[on]

    @property
    def vocab(self) -> int:
        """Entries that the model chooses among: ids, labels, or the values of a pixel."""
        if self.predicts_images:
            return int(getattr(self.program.plan.experiment.model, "values", 0))
        names = self.prepared.labels.get("target")
        if names:
            return len(names)
        return int(self.prepared.parts.text["target"].vocab_size)

    @cached_property
    def overfit(self) -> Overfit:
        """The model after it was trained on its few examples without any regularisation."""
        return train_on(self, self.batch())


@dataclass(frozen=True)
class Overfit:
    """The outcome of a small training."""

    model: nn.Module
    curve: tuple[float, ...]
    """Nats a target before each step, and at the end."""
    steps: int


def train_on(patient: Patient, batch: Batch) -> Overfit:
    """Adam on one batch, nothing dropped, decayed, smoothed or augmented, until it is known by heart."""
    model = patient.fresh()
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(wanted, lr=rate_for(model))
    curve: list[float] = []
    steps = 0
    for steps in range(patient.max_steps):  # noqa: B007
        optimizer.zero_grad()
        loss = patient.loss(model, batch)
        mean = loss.total / loss.count
        curve.append(float(mean.detach()))
        if curve[-1] < 0.01 or not np.isfinite(curve[-1]):
            break
        mean.backward()
        torch.nn.utils.clip_grad_norm_(wanted, 1.0)
        update(optimizer)
    curve.append(patient.nats(model, batch))
    return Overfit(model, tuple(curve), steps)


def rate_for(model: nn.Module) -> float:
    """A learning rate at which Adam overfits models of most sizes: smaller for wider ones."""
    widest = max((max(p.shape) for p in model.parameters() if p.ndim > 1), default=256)
    return 3e-3 if widest <= 512 else 1e-3 if widest <= 8192 else 5e-4


Check = Callable[[Patient], Any]
