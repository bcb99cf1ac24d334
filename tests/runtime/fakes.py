"""A tiny program and stream: a linear model with dropout on random vectors, seeded as the real ones are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from seqspec.compile.build.parameter_claims import Parts, claims
from seqspec.components.loss._loss import Loss
from seqspec.components.losses import Losses, NamedLoss
from seqspec.components.optimizer.adamw import Adamw
from seqspec.data.batching.batch import Batch
from seqspec.data.seeds import seed_of
from seqspec.runtime.checkpoints.checkpoint import Checkpoint
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.step_boundary import EvaluationResult
from seqspec.runtime.training.trainer import train
from seqspec.runtime.training.training_module import Training
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.optimizer.adamw import AdamwConfig
from seqspec.schema.sections.evaluate import Evaluate
from seqspec.schema.sections.initialize import Freeze
from seqspec.schema.sections.train import Train
from seqspec.schema.types import Nothing


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1)
        self.dropout = nn.Dropout(0.3)

    def outputs(self, batch: Batch, *, only: Any = None) -> dict[str, Any]:
        assert batch.source is not None
        given = self.last(self.dropout(self.norm(self.first(batch.source)))).squeeze(1)
        return {"values": (given, batch.target), "opposed": (-given, batch.target)}


def squares(given: torch.Tensor, target: torch.Tensor) -> Loss:
    total = (given - target).square().sum()
    return Loss(total, torch.tensor(float(len(given))), {"nll": total.detach()})


ONE = {"loss": NamedLoss("values", squares)}
TWO = {"critic": NamedLoss("opposed", squares), "generator": NamedLoss("values", squares)}
"""The critic's is of the other sign, as an adversary's is."""


class Stream:
    """Micro-steps ``start`` to ``stop`` of one process; row g of the run is the same whoever asks."""

    def __init__(
        self, start: int, stop: int, *, micro_batches: int, place: Place, poison: int | None = None
    ) -> None:
        self.micros = [
            m for m in range(start * micro_batches, stop * micro_batches) if m % place.world == place.rank
        ]
        self.poison = poison

    def __len__(self) -> int:
        return len(self.micros)

    def __iter__(self) -> Any:
        for micro in self.micros:
            generator = torch.Generator().manual_seed(seed_of(7, micro))
            source = torch.randn(6, 4, generator=generator)
            if micro == self.poison:
                source = source * float("nan")
            target = source.sum(1)
            yield Batch.pair(source, None, target, None, torch.arange(6) + micro, micro, 6.0)


def program(**settings: Any) -> Any:
    """What ``build`` would give; ``settings`` are those of ``train``, ``evaluate`` its evaluation."""
    evaluate = settings.pop("evaluate", {})
    freeze = [Freeze.model_validate(one) for one in settings.pop("freeze", [])]
    written = settings.pop("optimizers", {"optimizer": {}})
    procedure = Catalogue().config("procedure", settings.pop("procedure", "supervised"))
    procedure_config = procedure.model_validate(settings.pop("phases", {}), context=Catalogue())
    schedule = {"type": "inverse_sqrt", "peak": 0.05, "warmup_steps": 5}
    optimizers = {
        name: AdamwConfig.model_validate({"schedule": schedule, **given}, context=Catalogue())
        for name, given in written.items()
    }
    train_config = Train.model_validate({"checkpoint_every_steps": 5, "log_every_steps": 3, **settings})
    experiment = SimpleNamespace(
        train=train_config,
        evaluate=Evaluate.model_validate(evaluate, context=Catalogue()),
        seed=1,
        optimizer=next(iter(optimizers.values())),
        freeze=freeze,
        data=SimpleNamespace(lanes=None),
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = Model()
    components: dict[Any, Any] = {
        ("model",): model,
        **{("model", name): module for name, module in model.named_children()},
    }
    for one in freeze:
        for part in one.parts if one.until_step is None else ():
            components[tuple(part.split("."))].requires_grad_(False)
    paths = {("optimizers", name): config for name, config in optimizers.items()}
    built = {path: Adamw(config, Nothing(), None) for path, config in paths.items()}
    plan = SimpleNamespace(experiment=experiment, digests={"all": "0" * 64})
    plan.each = {"": plan}
    found = SimpleNamespace(
        plan=plan,
        model=model,
        module=model,
        losses=Losses(TWO if len(optimizers) > 1 else ONE, last_step=train_config.max_steps),
        optimizer=next(iter(built.values())),
        components=components,
        optimizers=claims(Parts(model, components), paths, built),
        phases=procedure_config.phases(tuple(optimizers)),  # type: ignore[attr-defined]
        joining=None,
        weighting=None,
        search=None,
        metrics=(),
        tasks={},
        weight=lambda task: 1.0,
        apart=None,
    )
    found.each = {"": found}
    return found


def start(
    folder: Path,
    *,
    resume: Checkpoint | None = None,
    training_state: TrainingState | None = None,
    evaluate_at: Any = None,
    poison: int | None = None,
    place: Place = Place(),  # noqa: B008  # frozen
    **settings: Any,
) -> Training:
    """Train the fake program in ``folder``; gives the module as it ended."""
    launch = Launch(quiet=True)
    built = program(**settings)
    config = built.plan.experiment.train
    micro_batches = config.accumulate
    updates = config.max_steps * sum(phase.repeats for phase in built.phases)
    for name in ("checkpoints", "predictions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    module = Training(built, micro_batches=micro_batches)
    if resume is not None:
        module.restore(resume.tensors, resume.state)
        training_state = training_state or TrainingState.from_json(resume.state["standing"])
    train(
        module,
        stream=lambda update: Stream(
            update, updates, micro_batches=micro_batches, place=place, poison=poison
        ),
        unit="examples",
        folder=RunFolder(folder),
        training_state=training_state or TrainingState(),
        evaluate_at=evaluate_at or (lambda step: EvaluationResult({"dev": {"wer": 1 / step}}, -1 / step)),
        launch=launch,
        place=place,
    )
    return module
