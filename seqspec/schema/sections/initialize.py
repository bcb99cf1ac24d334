"""Where the first weights come from, and which of them stand still while training."""

from typing import Annotated, Any

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.environment import Environment
from seqspec.schema.units import Cosmetic, PartPath, Positive


class Initialize(Config):
    """Take the weights of parts of the model from another run, in place of random ones.

    Which folder the run lies in is this machine's affair; the lock holds the digest of the weights.
    """

    # ``from`` is a word of Python, so that it cannot be declared as other fields are.
    __annotations__["from"] = Annotated[str, Field(min_length=1, max_length=4096), Environment, Cosmetic]
    """Run directory that the weights come from."""
    parts: dict[PartPath, PartPath] = {}
    """Parts of this experiment's model, each with the part of the other's that it begins as; left out, the
    whole model.
    """
    checkpoint: Annotated[str, Field(min_length=1, max_length=100)] = "best"
    """Which of its weights: best, last, average, average:N or the name of a checkpoint."""

    @property
    def run(self) -> str:
        """The run directory, with the names of variables in it."""
        found: Any = getattr(self, "from")
        return str(found)

    @property
    def pairs(self) -> dict[str, str]:
        """Parts here and there."""
        return self.parts or {"model": "model"}


class Freeze(Config):
    """Parts whose weights stand still: no gradient, no update, no weight decay, and running statistics that
    are used and not gathered.
    """

    parts: Annotated[list[PartPath], Field(min_length=1)]
    """Parts of the model by their place in the spec, such as `model.encoder`."""
    until_step: Positive | None = None
    """Last optimiser step at which they stand still; left out, they always do."""
