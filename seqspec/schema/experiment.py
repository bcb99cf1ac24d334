"""The experiment: what one spec file says, from the data to the evaluation.

The order of the fields is the order in which a spec is read: where the data comes from, how it is cut up,
what learns, how, and how it is evaluated.  ``extends`` and ``profiles`` are gone by the time a tree gets here
(``compile/resolve/resolve.py``).

Several tasks are several experiments with one training: what stands at the top holds for every task, and a
task says what is its own.  ``compile/resolve/tasks.py`` makes an ordinary spec of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.data import Data
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.initialize import Freeze, Initialize
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.procedure._procedure import ProcedureConfig
from seqspec.schema.quantize import Quantize
from seqspec.schema.slot import Slot
from seqspec.schema.sweep_section import Sweep
from seqspec.schema.teacher import Teacher
from seqspec.schema.units import (
    Cosmetic,
    Count,
    Fraction,
    Later,
    NonNegative,
    Positive,
    PositiveFloat,
    Seed,
    Speed,
    Split,
)

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
TermName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
TaskName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Precision = Literal["float32", "bfloat16", "float16"]
OptimizerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]


class WeightNoise(Config):
    """Gaussian noise on every weight while training: Graves (2011), "Practical Variational Inference for
    Neural Networks".
    """

    std: PositiveFloat
    """Standard deviation of the noise."""
    from_step: Count = 0
    """First optimiser step that sees noise."""


class AdaptiveClip(Config):
    """Zero a step whose gradient norm stands far above its running log-mean (Chen et al. 2018, "The Best of
    Both Worlds").
    """

    decay: Fraction = 0.995
    """Decay of the running mean and variance of the log norm."""
    threshold: PositiveFloat = 4.0
    """Standard deviations above the mean from which a step is zeroed."""
    floor: PositiveFloat = 0.01
    """Least standard deviation of the log norm."""


class LossScale(Config):
    """The factor on the loss that keeps small gradients above float16's least number: Micikevicius et al.
    (2018), "Mixed Precision Training", arXiv:1710.03740.
    """

    initial: PositiveFloat = 65536.0
    """Factor of the first step; a power of two changes no bit of a gradient that float16 can hold."""
    growth_every_steps: Positive = 2000
    """Steps in a row with a finite gradient after which the factor is doubled."""
    least: PositiveFloat = 1.0
    """The run stops where the factor would be halved to less than this."""


class Train(Config):
    """How long and how carefully to train.  Every period is in optimiser steps."""

    max_steps: Positive
    """Optimiser steps in all."""
    accumulate: Positive = 1
    """Micro-batches that one optimiser step is split into."""
    clip_norm: PositiveFloat | None = None
    """Scale the gradient down to this global norm."""
    clip_value: PositiveFloat | None = None
    """Clip each element of the gradient to this size."""
    zero_above_norm: PositiveFloat | None = None
    """Drop the update of a step whose global gradient norm is above this."""
    adaptive_clip: AdaptiveClip | None = None
    """Drop the update of a step whose norm is an outlier."""
    l2: NonNegative = 0.0
    """Weight of the L2 penalty 0.5 · l2 · Σ w² that is added to the loss, over matrices and kernels."""
    weight_noise: WeightNoise | None = None
    """Variational noise on the weights."""
    quantize: Annotated[Quantize | None, Later] = None
    """Round weights and inputs while training, as an export of 8 bits will."""
    ema: Fraction | None = None
    """Decay of the exponential moving average of the weights; evaluation then uses the average."""
    skip_non_finite: Count = 0
    """Steps with a loss or gradient that is not finite that may be skipped before the run stops; 0 stops at
    the first.
    """
    precision: Precision = "float32"
    """Arithmetic of the forward and backward pass; weights and optimiser state stay float32."""
    loss_scale: Annotated[LossScale | None, Later] = None
    """Of ``precision: float16``, how the loss is scaled; left out, from 65,536, doubled every 2,000 steps."""
    channels_last: Annotated[bool, Later] = False
    """Convolutions over images read the channels of a pixel side by side while training: often faster, above
    all in lower precision, and not the same bits.
    """
    gradient_checkpointing: Annotated[bool, Speed, Later] = False
    """Keep the input of each Transformer layer alone for the backward pass and work the rest out again: less
    memory, about a third more time, the same weights to the bit.
    """
    exact: bool = True
    """Promise bit-identical repetition on the same hardware: deterministic kernels and pinned threads."""
    checkpoint_every_steps: Positive = 1000
    """Period of checkpoints."""
    keep_last: Annotated[Positive, Cosmetic] = 2
    """Newest checkpoints that are kept; with two, one bad disk block loses nothing."""
    keep_best: Annotated[Count, Cosmetic] = 1
    """Best checkpoints, by the first metric of ``evaluate``, that are kept."""
    keep_every_steps: Annotated[Positive | None, Cosmetic] = None
    """Keep every checkpoint whose step this divides."""
    log_every_steps: Annotated[Positive, Cosmetic] = 50
    """Period of the lines in ``metrics.jsonl``."""
    mix: Annotated[Config | None, Slot("mix"), Later] = None
    """How several tasks take turns, one global batch at a time; left out, each as often as the others."""
    weighting: Annotated[Config | None, Slot("weighting"), Later] = None
    """How losses, those of several tasks too, are weighed by what is learned; left out, each has the weight
    that it states.
    """
    gradient_cosines: Annotated[bool, Cosmetic, Later] = False
    """Write down the cosine between the gradients of every two tasks, over the parameters that both train;
    keeps a gradient of these a task.
    """


class Stop(Config):
    """Stop before ``max_steps`` when the first metric has not improved."""

    after: Positive = 5
    """Evaluations without improvement that are waited for."""
    min_delta: NonNegative = 0.0
    """Least change that counts as an improvement."""


class Evaluate(Config):
    """How the experiment is evaluated."""

    every_steps: Positive | None = None
    """Period of evaluation while training; none evaluates at the end only."""
    splits: list[Split] = ["dev"]
    """Splits that are evaluated while training and at its end."""
    search: Annotated[Config | None, Slot("search")] = None
    """How hypotheses are found; left out, greedily."""
    metrics: list[Annotated[Config, Slot("metric")]] = []
    """What is measured; the first decides which checkpoint is best."""
    max_examples: Positive | None = None
    """Examples of a split that are decoded while training; the evaluation at the end takes all."""
    stop: Stop | None = None
    """Early stopping; of several tasks with it, the run stops when all of them have stalled."""
    score: Annotated[TaskName | dict[TaskName, NonNegative] | None, Later] = None
    """Of several tasks, whose first metric decides which checkpoint is best: a task's, or a mean with a
    weight a task; left out, the mean of all.
    """


class Leniency(Config):
    """A rule that is only a warning where the settings that break it are these."""

    code: Annotated[str, Field(pattern=r"^SQ[0-9]{3}$")]
    """Code of the rule."""
    where: dict[str, str | int | float | bool | None]
    """The settings by their path, with the values that the leniency was granted for."""


class Task(Config):
    """One of several tasks that are trained together; what it leaves out is as the experiment has it."""

    weight: NonNegative = 1.0
    """Factor on the task's losses."""
    data: Data
    """Where its examples come from and how they become batches."""
    model: Annotated[Config, Slot("model")]
    """What learns it; ``{use: shared.NAME}`` stands for a part that tasks share."""
    loss: Annotated[LossConfig | None, Slot("loss")] = Field(default="cross_entropy", validate_default=True)
    """What training makes small, where it is one loss."""
    losses: Annotated[dict[TermName, Annotated[LossConfig, Slot("loss")]] | None, Later] = None
    """What training makes small, where it is a weighted sum."""
    evaluate: Evaluate = Evaluate()
    """How the task is evaluated."""


OWN = tuple(name for name in Task.__annotations__ if name != "weight")
"""The sections of an experiment that each task has for itself."""


class Experiment(Config):
    """One experiment."""

    seqspec: Literal[1]
    """Version of the language."""
    name: Name
    """Name of the experiment; the folder of its runs is called so."""
    description: Annotated[str | None, Cosmetic] = None
    """What the experiment is, for people."""
    lenient: Annotated[list[Leniency] | None, Cosmetic] = None
    """Rules that a profile or ``--set`` has broken; a run writes them down in its own spec."""
    plugins: list[str] = []
    """Packages outside seqspec whose components the spec may name."""
    seed: Seed = 1
    """Decides every random number of the run."""
    shared: Annotated[dict[TaskName, Annotated[Config, Slot("shared")]] | None, Later] = None
    """Parts of models that tasks share, by name: one set of weights wherever a task says
    ``{use: shared.NAME}``.
    """
    tasks: Annotated[Annotated[dict[TaskName, Task], Field(min_length=1)] | None, Later] = None
    """Tasks that are trained together, by name; left out, there is one, and it needs no name."""
    data: Data
    """Where examples come from and how they become batches."""
    model: Annotated[Config, Slot("model")]
    """What learns."""
    loss: Annotated[LossConfig | None, Slot("loss")] = Field(default="cross_entropy", validate_default=True)
    """What training makes small, where it is one loss; nothing beside ``losses``."""
    losses: Annotated[dict[TermName, Annotated[LossConfig, Slot("loss")]] | None, Later] = None
    """What training makes small, where it is a weighted sum: losses by name, each on an output of the
    model.
    """
    teachers: Annotated[Annotated[dict[TermName, Teacher], Field(min_length=1)] | None, Later] = None
    """Models by name that losses compare the trained one with."""
    optimizer: Annotated[Config | None, Slot("optimizer")] = Field(default="adamw", validate_default=True)
    """How weights follow gradients, where one optimiser moves all of them; nothing beside ``optimizers``."""
    optimizers: Annotated[
        Annotated[dict[OptimizerName, Annotated[Config, Slot("optimizer")]], Field(min_length=1)] | None,
        Later,
    ] = None
    """Several optimisers by name, each with the parts of the model that it moves."""
    procedure: Annotated[ProcedureConfig, Slot("procedure"), Later] = Field(
        default="supervised", validate_default=True
    )
    """The phases that one training step goes through."""
    initialize: list[Initialize] = []
    """Weights that come from other runs; the rest begins at random."""
    freeze: list[Freeze] = []
    """Parts of the model whose weights stand still."""
    adapt: Annotated[Config | None, Slot("adaptation"), Later] = None
    """What learns beside parts of the model whose own weights stand still."""
    train: Train
    """How long and how carefully to train."""
    evaluate: Evaluate = Evaluate()
    """How the experiment is evaluated."""
    sweep: Annotated[Sweep | None, Cosmetic, Later] = None
    """Settings that ``seqspec sweep`` searches."""

    @classmethod
    def together(cls, each: Mapping[str, Experiment], **whole: Any) -> Experiment:
        """The experiment that tasks make up; ``whole`` are its own sections, the rest is that of the first.

        Data, model and losses are the tasks' own: whoever asks for those of the whole is told to name a task.
        """
        first = next(iter(each.values()))
        left = {name: getattr(first, name) for name in cls.model_fields if name not in (*OWN, *whole)}
        told = (first.model_fields_set - set(OWN)) | whole.keys()
        return cls.model_construct(_fields_set=told, **{**left, "loss": None, **whole})

    def of_task(self, name: str) -> Experiment:
        """One of several tasks as an experiment of its own."""
        assert self.tasks is not None
        task = self.tasks[name]
        whole = {
            key: getattr(self, key) for key in type(self).model_fields if key not in (*OWN, "tasks", "shared")
        }
        whole["train"] = self.train.model_copy(update={"weighting": None})  # weighs the losses of all tasks
        own = {key: getattr(task, key) for key in OWN}
        told = (self.model_fields_set - {"tasks", "shared", *OWN}) | task.model_fields_set
        return Experiment.model_construct(_fields_set=told, **whole, **own)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            tasks = self.__dict__.get("tasks")
            if not tasks or name not in OWN:
                return super().__getattr__(name)
            raise one_task_only(tasks)


def one_task_only(tasks: Iterable[str]) -> SpecError:
    """What is said where something is about one task and the spec has several."""
    listed = ", ".join(f"`{task}`" for task in tasks)
    message = f"this is about one task, and the spec has {listed}"
    return SpecError([Diagnostic("SQ281", message, help="choose one with `--task NAME`")])
