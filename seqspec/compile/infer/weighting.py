"""The learned weights of losses: which losses there are to weigh, of one model or of several tasks."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.compile.infer.flow import TypeFlow
from seqspec.compile.infer.objectives import read_by
from seqspec.schema.experiment import Experiment
from seqspec.schema.loss._names import loss_name
from seqspec.schema.types import Outputs, Type


def infer_weighting(train: TypeFlow, losses: Mapping[str, Type], experiment: Experiment) -> None:
    """Pass the losses to what weighs them; one optimiser moves it with everything else."""
    if train.config.weighting is None:
        return
    if experiment.optimizers is not None and len(experiment.optimizers) > 1:
        help = "take `weighting` out, and give each loss its `weight`"
        train.fault(
            ("weighting",),
            "weights are learned where one optimiser moves everything",
            help=help,
            code="SQ340",
        )
        return
    train.node("weighting", losses)


def losses_of(experiment: Experiment, outputs: Outputs, *, task: str = "") -> dict[str, Type]:
    """What each loss of a model reads, by the loss's name."""
    named = experiment.losses or ({"loss": experiment.loss} if experiment.loss is not None else {})
    found = {name: read_by(config, outputs) for name, config in sorted(named.items())}
    return {
        loss_name(task, name, alone=len(found) == 1): outputs[on]
        for name, on in found.items()
        if on in outputs
    }
