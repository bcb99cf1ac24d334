"""The search of a program: the spec's, or the greedy one that fits the model where the spec names none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.types import Logits

if TYPE_CHECKING:
    from seqspec.compile.build.program import Program
    from seqspec.compile.plan.plan import Plan


def search_of(program: Program, *, hypotheses: int = 1) -> Any:
    """What ``model.decode`` is given, so that it gives ``hypotheses`` of an example where it can."""
    found = program.search
    config = search_config(program.plan)
    if found is None and config is not None:
        gives = _searched(program.plan)
        found = Catalogue().module("search", config.component[1])(config, gives)
    asked = getattr(found, "for_hypotheses", None)
    return found if asked is None or hypotheses == 1 else asked(hypotheses)


def search_config(plan: Plan) -> Any:
    """The config of the search, also where the spec leaves the choice open; ``None`` where nothing is
    searched.
    """
    given = _searched(plan)
    if plan.experiment.evaluate.search is not None:
        return plan.experiment.evaluate.search
    if given is None:
        return None
    catalogue = Catalogue()
    name = "ctc_greedy" if given.blank else "greedy"
    return catalogue.config("search", name).model_validate({}, context=catalogue)


def _searched(plan: Plan) -> Logits | None:
    """The model's main output where it scores what is written, else the first that does."""
    main = plan.node("model").gives
    if isinstance(main, Logits):
        return main if _written(main) else None
    given = (one for one in plan.outputs.values() if isinstance(one, Logits))
    return next((one for one in given if _written(one)), None)


def _written(given: Logits) -> bool:
    return bool(given.stride) and not given.image and given.ends


def names_classes(plan: Plan) -> bool:
    """Whether an example is given one of several classes."""
    given = plan.node("model").gives
    return isinstance(given, Logits) and not given.stride


def check_hypotheses(plan: Plan, asked: int) -> None:
    """Raises ``RunError`` where fewer hypotheses are given than are asked for."""
    config = search_config(plan)
    most: int | None = getattr(config, "num_hypotheses", None)
    if config is None and asked > 1 and not names_classes(plan):
        raise RunError(
            f"`--nbest {asked}`: this model gives one prediction for each input",
            exit=Exit.USAGE,
            help="leave `--nbest` out",
        )
    if most is None or asked <= most:
        return
    name = config.component[1]
    instead = getattr(config, "instead", None)
    raise RunError(
        f"`--nbest {asked}`: the search `{name}` gives {most} hypothes{'is' if most == 1 else 'es'} at most",
        exit=Exit.USAGE,
        help=f"add `--set '{instead.format(count=asked)}'`" if instead else None,
    )


def check_probabilities(plan: Plan) -> None:
    """Raises ``RunError`` where there are no classes whose probabilities could be printed."""
    if not names_classes(plan):
        raise RunError(
            "`--probabilities`: this model gives no probability of each class of an input",
            exit=Exit.USAGE,
            help="leave it out; `--scores` prints the log-probability of each prediction",
        )


def search_record(program: Program) -> dict[str, Any] | None:
    """The search by its type and settings, as plain data; ``None`` where the model is not searched."""
    config = search_config(program.plan)
    if config is None:
        return None
    fields = {key: value for key, value in config.model_dump(mode="json").items() if value is not None}
    return {"type": config.component[1], **fields}
