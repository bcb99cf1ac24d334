"""confection (spaCy's configs): registered functions with typed arguments, resolved and so checked."""

import sys
from typing import Annotated, Literal

import catalogue
from confection import Config, registry
from pydantic import Field

Count = Annotated[int, Field(gt=0, strict=True)]
Rate = Annotated[float, Field(ge=0, lt=1)]


class Registry(registry):
    parts = catalogue.create("peers", "parts", entry_points=False)


@Registry.parts("data")
def data(root: str, source_language: str, target_language: str, train: str, dev: str, max_source_tokens: Count,
         max_target_tokens: Count, unit: Literal["tokens", "examples"], batch_size: Count, shuffle: bool,
         source: dict, target: dict):  # fmt: skip
    return {}


@Registry.parts("transformer_encoder")
def encoder(num_layers: Count, dim: Count, num_heads: Count, feed_forward_dim: Count, dropout: Rate,
            norm: Literal["pre", "post"]):  # fmt: skip
    return {}


@Registry.parts("transformer_decoder")
def decoder(num_layers: Count, dim: Count, num_heads: Count, feed_forward_dim: Count, dropout: Rate,
            norm: Literal["pre", "post"]):  # fmt: skip
    return {}


@Registry.parts("model")
def model(encoder: dict, decoder: dict):
    return {}


@Registry.parts("optimizer")
def optimizer(
    learning_rate: float,
    beta1: Rate,
    beta2: Rate,
    schedule: Literal["inverse_sqrt", "cosine"],
    warmup_steps: Count,
):
    return {}


@Registry.parts("train")
def train(max_steps: Count, seed: int, clip_norm: float, label_smoothing: Rate, checkpoint_every_steps: Count,
          evaluate_every_steps: Count, beam: Count, metric: str):  # fmt: skip
    return {}


config = Config().from_disk(sys.argv[1])
Registry.resolve(config)
given = config
print(
    "READ",
    repr(given["optimizer"]["learning_rate"]),
    repr(given["data"]["source_language"]),
    repr(given["train"]["max_steps"]),
)
