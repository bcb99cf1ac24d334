"""Several corpora as one: their examples stand together, each as often as its weight says."""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.config import Config, Mismatch
from seqspec.schema.slot import Slot
from seqspec.schema.types import Type
from seqspec.schema.units import PositiveFloat

PartName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]


class MixPart(Config):
    """One corpus of a mixture."""

    name: PartName
    """What records, reports and messages call the corpus; also its folder below the mixture's ``root``."""
    source: Annotated[AdapterConfig, Slot("adapter")]
    """The corpus; without a ``root`` of its own it stands in the folder of its name."""
    weight: PositiveFloat | None = None
    """Share of training examples that are drawn from it, relative to the other weights; left out for all,
    each example counts once an epoch.
    """


class MixConfig(AdapterConfig):
    """Read several corpora whose records hold the same kinds of things; each record says under ``corpus``
    where it is from.
    """

    parts: Annotated[list[MixPart], Field(min_length=1)]
    """The corpora, in order."""
    temperature: PositiveFloat | None = None
    """Draw from each corpus in proportion to its size to the power of 1 / ``temperature``; 1 as if joined,
    large ones evenly.
    """
    batches: Literal["mixed", "homogeneous"] = "mixed"
    """Whether a batch may hold examples of several corpora, or is drawn from one."""

    def roles(self) -> dict[str, Type]:
        self._require_consistent()
        given = [(part.name, part.source.roles()) for part in self.parts]
        first, roles = given[0]
        for index, (name, others) in enumerate(given[1:], 1):
            if others != roles:
                here = ", ".join(f"{role} {type_}" for role, type_ in others.items())
                there = ", ".join(f"{role} {type_}" for role, type_ in roles.items())
                message = f"`{name}` gives {here}, but `{first}` gives {there}"
                place = ("parts", index, "source")
                raise Mismatch(message, at=place, help="mix corpora of the same kinds, languages and rates")
        return dict(roles)

    def children(self) -> tuple[tuple[str, str, AdapterConfig], ...]:
        return tuple(
            (f"parts[{index}].source", part.name, part.source) for index, part in enumerate(self.parts)
        )

    def _require_consistent(self) -> None:
        names = [part.name for part in self.parts]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise Mismatch(
                    f"two parts are called `{name}`",
                    at=("parts", index, "name"),
                    help="give each its own name",
                )
            if self.parts[index].source.synthetic:
                place = ("parts", index, "source", "synthetic")
                raise Mismatch(
                    "a part is as synthetic as its mixture", at=place, help="set `synthetic` on the mixture"
                )
        weighted = [part.weight is not None for part in self.parts]
        if any(weighted) and not all(weighted):
            raise Mismatch("some parts have a weight and some have none", at=("parts", weighted.index(False)),
                           help="give every part a weight, or none")  # fmt: skip
        if any(weighted) and self.temperature is not None:
            raise Mismatch(
                "weights and `temperature` both decide the shares",
                at=("temperature",),
                help="keep one of them",
            )
