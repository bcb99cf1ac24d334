"""The experiment: what one spec file says, from the data to the judgement.

The order of the fields is the order in which a spec is read: where the data comes from, how it is cut up,
what learns, how, and how it is judged.  ``extends`` and ``profiles`` are gone by the time a tree gets here
(``compile/resolve/resolve.py``).
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.data import Data
from seqspec.schema.initialize import Freeze, Initialize
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.slot import Slot
from seqspec.schema.units import Cosmetic, Count, Fraction, Later, NonNegative, Positive, PositiveFloat, Seed

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
TermName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
OptimizerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Split = Literal["train", "dev", "dev_other", "test", "test_other"]


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
    ema: Fraction | None = None
    """Decay of the exponential moving average of the weights; evaluation then uses the average."""
    skip_non_finite: Count = 0
    """Steps with a loss or gradient that is not finite that may be skipped before the run stops; 0 stops at
    the first.
    """
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic of the forward and backward pass; weights and optimiser state stay float32."""
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


class Stop(Config):
    """Stop before ``max_steps`` when the first metric has not improved."""

    after: Positive = 5
    """Evaluations without improvement that are waited for."""
    min_delta: NonNegative = 0.0
    """Least change that counts as an improvement."""


class Evaluate(Config):
    """How the experiment is judged."""

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
    """Early stopping."""


class Leniency(Config):
    """A rule that is only a warning where the settings that break it are these."""

    code: Annotated[str, Field(pattern=r"^SQ[0-9]{3}$")]
    """Code of the rule."""
    where: dict[str, str | int | float | bool | None]
    """The settings by their path, with the values that the leniency was granted for."""


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
    optimizer: Annotated[Config | None, Slot("optimizer")] = Field(default="adamw", validate_default=True)
    """How weights follow gradients, where one optimiser moves all of them; nothing beside ``optimizers``."""
    optimizers: Annotated[
        Annotated[dict[OptimizerName, Annotated[Config, Slot("optimizer")]], Field(min_length=1)] | None,
        Later,
    ] = None
    """Several optimisers by name, each with the parts of the model that it moves."""
    procedure: Annotated[Config, Slot("procedure"), Later] = Field(
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
    """How the experiment is judged."""
