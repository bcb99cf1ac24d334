"""Build: a plan becomes a program.  The first stage that loads torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import torch
from torch import nn

from seqspec.compile.build.adapt import adapt
from seqspec.compile.build.construct import Constructor, Lent
from seqspec.compile.build.data_parts import counted
from seqspec.compile.build.parameter_claims import Claim, GroupRule, Parts, claims, misclaimed
from seqspec.compile.diagnostics.report import locate
from seqspec.compile.infer.objectives import read_by
from seqspec.compile.language.paths import parse_path
from seqspec.compile.plan.plan import Plan
from seqspec.components._layers.fake_quantize import add_fake_quantize
from seqspec.components.losses import Losses, NamedLoss
from seqspec.components.recomputable import recomputable
from seqspec.components.task_models import Together
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import Diagnostic, Finding, SpecError
from seqspec.schema.loss._loss import LossConfig, teacher_of
from seqspec.schema.procedure._procedure import Apart, Phase
from seqspec.schema.source import Path, Tree
from seqspec.schema.types import Auxiliary, Counted, Type

if TYPE_CHECKING:
    from seqspec.components.protocols import Joining, Metric, Model, Optimizer, Search, Weighting

INITIALISATION = 0x1417
"""Stream number of the random numbers that initial weights come from."""


@dataclass(frozen=True)
class Program:
    """What a plan compiles to: everything that learns and evaluates, none of the data."""

    plan: Plan
    module: nn.Module
    """What learns; of several tasks, the models of all."""
    losses: Losses
    optimizer: Optimizer
    """The first optimizer component; ``build(named_parameters)`` makes torch's."""
    search: Search | None
    """``None`` where nothing is decoded."""
    metrics: tuple[Metric, ...]
    components: Mapping[Path, Any]
    """Every component that was built, by its place in the experiment."""
    language_model: Any = None
    """What the search listens to beside the model, once the runtime has loaded it."""
    optimizers: Mapping[str, Claim] = field(default_factory=dict)
    """Every optimiser by name, with the parameters that it moves."""
    phases: tuple[Phase, ...] = ()
    """The cycle of one training step."""
    apart: Apart | None = None
    """Whether the repeats of the phase are replicas that train apart."""
    joining: Joining | None = None
    """Makes one gradient of those of all tasks, where a step takes a batch of each."""
    weighting: Weighting | None = None
    """What weighs losses by what it learns; it is trained and saved as a part of the model."""
    tasks: Mapping[str, Program] = field(default_factory=dict)
    """Of several tasks, the program of each by name."""
    whole: Program | None = field(default=None, repr=False)
    """The program of all tasks, where this is one of several."""

    @property
    def each(self) -> Mapping[str, Program]:
        """The programs of the tasks; one that has no tasks is one itself, without a name."""
        return self.tasks or {"": self}

    def weight(self, task: str) -> float:
        """The factor on the losses of a task."""
        tasks = self.plan.experiment.tasks
        return tasks[task].weight if tasks else 1.0

    @property
    def model(self) -> Model:
        """The module, as what batches are asked of: that of one task, never of several."""
        return cast("Model", self.module)

    @property
    def parts(self) -> Any:
        """The module, for who knows its architecture and reaches into what it holds, as exporters do."""
        return self.module

    @property
    def trained(self) -> nn.Module:
        """The module whose weights a checkpoint holds."""
        return self.module if self.whole is None else self.whole.module

    def parameters(self) -> Iterator[tuple[str, int]]:
        """Each trainable parameter's name and size; one that is tied or shared stands once, under its first
        name.
        """
        for name, parameter in self.module.named_parameters():
            if parameter.requires_grad:
                yield name, parameter.numel()

    @property
    def num_parameters(self) -> int:
        """Trainable parameters."""
        return sum(size for _, size in self.parameters())


def build(plan: Plan, *, tree: Tree, device: Literal["cpu", "meta"] = "cpu") -> Program:
    """Build every component of the model and of its evaluation.

    Initial weights come from the plan's seed alone; on ``meta`` no memory is taken.  Raises ``SpecError``
    where a number is still unknown, or where a written key was never read.
    """
    _require_known(plan)
    lent = Lent(plan.shared)
    made: dict[str, _Made] = {}
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(plan.experiment.seed * 65_537 + INITIALISATION)
        for name, one in plan.each.items():
            constructor = Constructor(one, lent=lent)
            model = constructor.build("model")
            losses = build_losses(constructor)
            _adopt(model, losses)
            made[name] = _Made(constructor, model, losses)
    whole = made[""] if not plan.tasks else _together(plan, made, lent)
    with torch.device(device):
        _refuse(iter(adapt(whole.constructor)), tree)
    _freeze(whole.constructor)
    _refuse(_never_recomputed(plan, whole.module), tree)
    _refuse(_never_convolved(plan, whole.module), tree)
    with torch.device(device):
        _refuse(_never_rounded(plan, whole.module), tree)
        weighting = _weighting(whole)
    optimizers, phases, apart, joining = _procedure(whole.constructor, whole.module, tree)
    optimizers = _steered(optimizers, whole.module, weighting)
    optimizer = next(iter(optimizers.values())).component
    for name, task in made.items():
        _refuse(task.constructor.unread(), plan.each[name].tree if plan.tasks else tree)
    programs = {name: _with_metrics(task, optimizer) for name, task in made.items()}
    if not plan.tasks:
        return replace(
            programs[""], optimizers=optimizers, phases=phases, apart=apart, joining=joining,
            weighting=weighting,
        )  # fmt: skip
    _refuse(whole.constructor.unread(), tree)
    program = Program(
        plan, whole.module, whole.losses, optimizer, None, (), whole.constructor.built,
        optimizers=optimizers, phases=phases, apart=apart, joining=joining, weighting=weighting,
    )  # fmt: skip
    return replace(program, tasks={name: replace(one, whole=program) for name, one in programs.items()})


class _Made(NamedTuple):
    """What learns of one task, or of all of them."""

    constructor: Constructor
    module: nn.Module
    losses: Losses


def _together(plan: Plan, made: Mapping[str, _Made], lent: Lent) -> _Made:
    """One module of the models of all tasks; a part that has a place of its own stands there first."""
    constructor = Constructor(plan)
    for part, modules in lent.built.items():
        constructor.built |= {(*part, *path): module for path, module in modules.items()}
    for name, one in made.items():
        constructor.built |= {
            ("tasks", name, *path): module for path, module in one.constructor.built.items()
        }
    shared = {str(part[-1]): modules[()] for part, modules in lent.built.items() if part[0] == "shared"}
    model = Together(shared=shared, tasks={name: one.module for name, one in made.items()})
    return _Made(constructor, model, next(iter(made.values())).losses)


def _weighting(whole: _Made) -> Any:
    """What weighs the losses, as a part of the module that is trained."""
    if not whole.constructor.has("train", "weighting"):
        return None
    built = whole.constructor.build("train", "weighting")
    whole.module.add_module("weighting", built)
    return built


def _steered(found: dict[str, Claim], model: nn.Module, weighting: Any) -> dict[str, Claim]:
    """Learned weights have a rate of their own and no weight decay."""
    if weighting is None:
        return found
    own = {id(parameter) for parameter in weighting.parameters()}
    names = tuple(name for name, parameter in model.named_parameters() if id(parameter) in own)
    rule = GroupRule(names, weighting.rate, 0.0)
    return {name: replace(one, groups=(*one.groups, rule)) for name, one in found.items()}


def _with_metrics(made: _Made, optimizer: Optimizer) -> Program:
    """The program of one task, its search and metrics built."""
    constructor = made.constructor
    plan = constructor.plan
    search = constructor.build("evaluate", "search") if constructor.has("evaluate", "search") else None
    count = len(plan.experiment.evaluate.metrics)
    metrics = tuple(constructor.build("evaluate", "metrics", index) for index in range(count))
    return Program(plan, made.module, made.losses, optimizer, search, metrics, constructor.built)


def build_losses(constructor: Constructor) -> Losses:
    """The losses of a plan, that on the main output first, the others by name.

    Where the spec has one loss in the short form, the auxiliary outputs of the model are trained beside it
    with the weights that they ask for themselves.
    """
    plan = constructor.plan
    main = next(iter(plan.outputs))
    first = next(iter(counted(plan).values()))
    named: dict[str, NamedLoss] = {}
    for path, config in plan.losses.items():
        on = read_by(config, plan.outputs)
        constructor.note(path, "on", "weight")
        given = plan.outputs[on]
        criterion, weight = constructor.build(*path), _weight(config, given)
        teacher = teacher_of(config)
        constructor.note(path, "teacher", *(["parts"] if config.of_weights else []))
        named[str(path[-1])] = NamedLoss(
            on, criterion, weight, teacher=teacher, parts=_parts(constructor, config),
            apart=config.of_weights or _is_apart(given, first),
        )  # fmt: skip
    if plan.experiment.losses is None:
        named |= {
            on: NamedLoss(on, None, partial(_constant, type_.weight), apart=type_.examples)
            for on, type_ in plan.outputs.items()
            if isinstance(type_, Auxiliary)
        }

    def place(name: str) -> tuple[bool, bool, bool, str]:
        one = named[name]
        return bool(one.parts), one.teacher is not None, one.on != main, name

    return Losses(
        {name: named[name] for name in sorted(named, key=place)}, last_step=plan.experiment.train.max_steps
    )


def _parts(constructor: Constructor, config: LossConfig) -> tuple[torch.nn.Module, ...]:
    """The modules whose weights a loss reads."""
    if not config.of_weights:
        return ()
    parts: list[str] = config.parts  # type: ignore[attr-defined]
    return tuple(constructor.built[tuple(parse_path(part))] for part in parts)


def _adopt(model: nn.Module, losses: Losses) -> None:
    """What losses learn is trained, saved and counted as a part of the model."""
    for name, one in losses.named.items():
        if isinstance(one.criterion, torch.nn.Module) and any(True for _ in one.criterion.parameters()):
            model.add_module(f"loss_{name}", one.criterion)


def _is_apart(given: Type, first: Counted) -> bool:
    """Whether a loss is written down as a mean over what it counts itself, and not the first loss."""
    return isinstance(given, Auxiliary) and (given.examples or given.counted not in (None, first))


def _weight(config: LossConfig, given: Type) -> Callable[[int], float]:
    weight = config.weight
    if isinstance(weight, Config):
        return weight.rate
    if weight is None:
        weight = given.weight if isinstance(given, Auxiliary) else 1.0
    return partial(_constant, weight)


def _constant(weight: float, step: int) -> float:
    return weight


def _procedure(
    constructor: Constructor, model: nn.Module, tree: Tree
) -> tuple[dict[str, Claim], tuple[Phase, ...], Apart | None, Joining | None]:
    """The optimisers with what each moves, the phases, whether they are repeated by replicas, and what makes
    one gradient of several.  Raises ``SpecError`` where parameters are claimed by none of them, or by two.
    """
    parts = Parts(model, constructor.built)
    optimizers = constructor.plan.optimizers
    built = {}
    for path in optimizers:
        constructor.note(path, "parameters", "without", "groups", "clip_norm", "clip_value")
        built[path] = constructor.build(*path)
    found = claims(parts, optimizers, built)
    _refuse(misclaimed(parts, found), tree)
    procedure = constructor.build("procedure")
    if hasattr(procedure, "begin"):  # it learns, and what it has learned is saved
        procedure.begin(tuple(constructor.plan.each))
        model.add_module("procedure", procedure)
    apart = getattr(procedure, "apart", lambda: None)()
    return found, procedure.phases(tuple(found)), apart, procedure if hasattr(procedure, "combine") else None


def _freeze(constructor: Constructor) -> None:
    """Parts that never move have no trainable parameter; those that move later are held by the runtime."""
    for freeze in constructor.plan.experiment.freeze:
        for part in freeze.parts if freeze.until_step is None else ():
            constructor.built[parse_path(part)].requires_grad_(False)


def _never_recomputed(plan: Plan, model: nn.Module) -> Iterator[Finding]:
    asked = plan.experiment.train.gradient_checkpointing
    if asked and not recomputable(model):
        yield Finding(
            ("train", "gradient_checkpointing"),
            "no layer of this model can be worked out again in the backward pass",
            help="take the key out; layers of Transformers can",
            code="SQ209",
            on_key=True,
        )


def _never_convolved(plan: Plan, model: nn.Module) -> Iterator[Finding]:
    asked = plan.experiment.train.channels_last
    if asked and not any(isinstance(one, nn.Conv2d | nn.ConvTranspose2d) for one in model.modules()):
        yield Finding(
            ("train", "channels_last"),
            "this model has no convolution over images",
            help="take the key out",
            code="SQ209",
            on_key=True,
        )


def _never_rounded(plan: Plan, model: nn.Module) -> Iterator[Finding]:
    """Lets layers round, where the plan says so."""
    quantize = plan.experiment.train.quantize
    if quantize is not None and not add_fake_quantize(model, quantize):
        yield Finding(
            ("train", "quantize"),
            "this model has no linear layer or convolution that could round",
            help="take the key out; weights of LSTMs are rounded by `seqspec export --quantize int8`",
            code="SQ209",
            on_key=True,
        )


def _require_known(plan: Plan) -> None:
    if plan.unknowns:
        names = ", ".join(f"`{name}`" for name in plan.unknowns)
        message = f"only the data can tell {names}, and they have not been prepared"
        raise SpecError([Diagnostic("SQ410", message, help="run `seqspec data prepare` on this spec first")])


def _refuse(findings: Iterator[Finding], tree: Tree) -> None:
    found = [locate(finding, tree) for finding in findings]
    if found:
        raise SpecError(found)
