"""The experiment of the comparison as dataclasses: the schema that Hydra, jsonargparse and LightningCLI are given.

A translation Transformer with about 45 settings; every peer gets the strictest form that it knows (enumerations, restricted types).
"""

from dataclasses import dataclass, field
from enum import Enum

try:
    from jsonargparse.typing import PositiveInt as Count
    from jsonargparse.typing import restricted_number_type

    Rate = restricted_number_type("Rate", float, [(">=", 0), ("<", 1)])
except ImportError:
    Rate, Count = float, int


class Norm(Enum):
    pre = "pre"
    post = "post"


class Unit(Enum):
    tokens = "tokens"
    examples = "examples"


class Schedule(Enum):
    inverse_sqrt = "inverse_sqrt"
    cosine = "cosine"


@dataclass
class Tokenizer:
    vocab_size: Count = 8000
    model: str = "unigram"
    character_coverage: float = 1.0
    byte_fallback: bool = True


@dataclass
class Data:
    root: str
    source_language: str
    target_language: str
    train: str = "train"
    dev: str = "dev"
    max_source_tokens: Count = 128
    max_target_tokens: Count = 128
    unit: Unit = Unit.tokens
    batch_size: Count = 8192
    shuffle: bool = True
    source: Tokenizer = field(default_factory=Tokenizer)
    target: Tokenizer = field(default_factory=Tokenizer)


@dataclass
class Encoder:
    num_layers: Count = 3
    dim: Count = 256
    num_heads: Count = 4
    feed_forward_dim: Count = 1024
    dropout: Rate = 0.1
    norm: Norm = Norm.pre


@dataclass
class Decoder:
    num_layers: Count = 3
    dim: Count = 256
    num_heads: Count = 4
    feed_forward_dim: Count = 1024
    dropout: Rate = 0.1
    norm: Norm = Norm.pre


@dataclass
class Model:
    encoder: Encoder
    decoder: Decoder


@dataclass
class Optimizer:
    learning_rate: float = 1e-3
    beta1: Rate = 0.9
    beta2: Rate = 0.98
    schedule: Schedule = Schedule.inverse_sqrt
    warmup_steps: Count = 4000


@dataclass
class Train:
    max_steps: Count = 20000
    seed: int = 1
    clip_norm: float = 1.0
    label_smoothing: Rate = 0.1
    checkpoint_every_steps: Count = 1000
    evaluate_every_steps: Count = 1000
    beam: Count = 5
    metric: str = "bleu"


@dataclass
class Experiment:
    data: Data
    model: Model
    optimizer: Optimizer = field(default_factory=Optimizer)
    train: Train = field(default_factory=Train)
