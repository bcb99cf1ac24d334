"""The section ``train``: how long and how carefully to train."""

from __future__ import annotations

from typing import Annotated, Literal

from seqspec.schema.config import Config
from seqspec.schema.sections.quantize import Quantize
from seqspec.schema.slot import Slot
from seqspec.schema.units import Cosmetic, Count, Fraction, Later, NonNegative, Positive, PositiveFloat, Speed

Precision = Literal["float32", "bfloat16", "float16"]


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
