"""What is trained and how: losses on the outputs of the model, the search, the optimisers."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.compile.infer.flow import TypeFlow
from seqspec.compile.language.suggestions import nearest_or_listed
from seqspec.schema.config import Config, Mismatch
from seqspec.schema.loss._loss import LossConfig, teacher_of
from seqspec.schema.source import Path
from seqspec.schema.types import Auxiliary, Likelihood, Logits, Outputs, Poison, Type


def infer_losses(flow: TypeFlow, outputs: Outputs, width: Type) -> None:
    """The one loss, or each of the named ones, on the output that it reads."""
    experiment = flow.config
    if experiment.losses is None and experiment.loss is None:
        flow.fault(("loss",), "nothing is trained without a loss", help="name one, such as `cross_entropy`")
    elif experiment.losses is None:
        _loss(flow, ("loss",), outputs, width)
    elif "loss" in experiment.model_fields_set and experiment.loss is not None:
        flow.fault(
            ("loss",),
            "`loss` and `losses` both say what is trained",
            help="give this loss a name of its own under `losses`",
            code="SQ258",
            also=((("losses",), "the named losses"),),
        )
    else:
        flow.record.inferred[("loss",)] = None
        flow.record.reasons[("loss",)] = "`losses` names what is trained"
        for name in experiment.losses:
            _loss(flow, ("losses", name), outputs, width)


def _loss(flow: TypeFlow, path: tuple[str, ...], outputs: Outputs, width: Type) -> None:
    config = flow.config.loss if len(path) == 1 else flow.config.losses[path[1]]
    wanted = read_by(config, outputs)
    if not _is_output(flow, wanted, outputs, at=(*path, "on")):
        return
    follows = config.following(width)
    if len(path) == 1:
        flow.node(path[0], outputs[wanted], **follows)
    else:
        flow.item(path[0], path[1], outputs[wanted], **follows)
    if isinstance(config.weight, Config):
        TypeFlow(config, path, flow.record).node("weight", {"model": width})


def infer_search(flow: TypeFlow, outputs: Outputs) -> None:
    """The search on the output that it names, or on the main one; of a model whose main output is a
    likelihood, on the first that scores what is written.
    """
    scored = (name for name, type_ in outputs.items() if isinstance(type_, Logits))
    usual = next(scored, None) if isinstance(outputs.main, Likelihood) else None
    wanted = getattr(flow.config.search, "on", None) or usual or next(iter(outputs))
    if isinstance(outputs.main, Poison):
        flow.node("search", outputs.main)
    elif _is_output(flow, wanted, outputs, at=("search", "on")):
        flow.node("search", outputs[wanted])


def _is_output(flow: TypeFlow, name: str, outputs: Outputs, *, at: Path) -> bool:
    """Whether the model has the output; where it has not, that is noted."""
    if name in outputs:
        return True
    help = nearest_or_listed(name, tuple(outputs), there="it gives")
    flow.fault(at, f"the model has no output `{name}`", help=help, code="SQ259")
    return False


def read_by(config: LossConfig, outputs: Outputs) -> str:
    """The name of the output that a loss reads: the one it names, else the first that it fits, else the
    main one.
    """
    if config.on is not None:
        return config.on
    return next((name for name, type_ in outputs.items() if _fits(config, type_)), next(iter(outputs)))


def in_order(losses: Mapping[Path, LossConfig], outputs: Outputs) -> dict[str, LossConfig]:
    """The losses by name: on the main output first, then by name; those of teachers and of weights last."""
    named = {str(path[-1]): config for path, config in losses.items()}
    main = next(iter(outputs))

    def place(name: str) -> tuple[bool, bool, bool, str]:
        config = named[name]
        return config.of_weights, teacher_of(config) is not None, read_by(config, outputs) != main, name

    return {name: named[name] for name in sorted(named, key=place)}


def _fits(config: LossConfig, type_: Type) -> bool:
    if isinstance(type_, Auxiliary):
        return False
    if isinstance(type_, Logits) and config.aligned is not None and type_.blank != config.aligned:
        return False
    try:
        config.output(type_)
    except Mismatch:
        return False
    return True


def infer_optimizers(flow: TypeFlow, source: Mapping[str, Type]) -> None:
    """The one optimiser, or each of the named ones."""
    experiment = flow.config
    if experiment.optimizers is None and experiment.optimizer is None:
        help = "name one, such as `adamw`"
        flow.fault(("optimizer",), "weights stay as they are without an optimiser", help=help)
        return
    if experiment.optimizers is None:
        flow.node("optimizer", source)
        return
    if "optimizer" in experiment.model_fields_set and experiment.optimizer is not None:
        flow.fault(
            ("optimizer",),
            "`optimizer` and `optimizers` both say how weights follow gradients",
            help="give this optimiser a name of its own under `optimizers`",
            code="SQ261",
            also=((("optimizers",), "the named optimisers"),),
        )
    flow.record.inferred[("optimizer",)] = None
    flow.record.reasons[("optimizer",)] = "`optimizers` names them"
    for name in experiment.optimizers:
        flow.item("optimizers", name, source)
