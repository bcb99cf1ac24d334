"""What the adaptations of low rank declare."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.environment import Environment
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Cosmetic, Later, PartPath, Positive, PositiveFloat, Probability


class LowRankConfig(Config):
    """Beside each linear layer of some parts stands a product of two thin matrices that learns in its place;
    every weight that these parts have of their own stands still.
    """

    parts: Annotated[list[PartPath], Field(min_length=1)]
    """Parts of the model by their place in the spec, such as `model.decoder`."""
    layers: list[Annotated[str, Field(min_length=1, max_length=100)]] | None = None
    """Names of the linear layers that learn, such as `[query, value]`; left out, all of these parts."""
    rank: Positive = 8
    """Inner width of the product."""
    alpha: PositiveFloat = 16.0
    """Scale of what is added, over the rank."""
    dropout: Probability = 0.0
    """Rate of dropout on the input of the product."""

    # ``from`` is a word of Python, so that it cannot be declared as other fields are.
    __annotations__["from"] = Annotated[
        Annotated[str, Field(min_length=1, max_length=4096)] | None,
        Field(default=None), Environment, Cosmetic, Later,
    ]  # fmt: skip
    """Folder with `adapter_model.safetensors` and `adapter_config.json`, as peft writes them, to go on from.
    """

    @property
    def folder(self) -> str | None:
        """The folder, with the names of variables in it."""
        found: str | None = getattr(self, "from")
        return found

    @property
    def scaling(self) -> float:
        """What the product is multiplied by."""
        return self.alpha / self.rank

    def output(self, source: dict[str, Type]) -> Nothing:
        return Nothing()
