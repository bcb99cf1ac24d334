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
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.procedure._procedure import ProcedureConfig
from seqspec.schema.sections.data import Data
from seqspec.schema.sections.evaluate import Evaluate
from seqspec.schema.sections.initialize import Freeze, Initialize
from seqspec.schema.sections.sweep import Sweep
from seqspec.schema.sections.teacher import Teacher
from seqspec.schema.sections.train import Train
from seqspec.schema.slot import Slot
from seqspec.schema.units import Cosmetic, Later, NonNegative, Seed, TaskName

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
TermName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
OptimizerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]


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
