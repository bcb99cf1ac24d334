"""Teachers: models that losses compare the trained one with."""

from typing import Annotated, Any, Literal

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.environment import Environment
from seqspec.schema.units import Cosmetic, Fraction, Later, Positive, Speed


class Teacher(Config):
    """A model that runs beside the trained one, without gradients and without dropout: that of a run, or the
    moving average of the trained one itself.

    Which folder the run lies in is this machine's affair; the lock holds the digest of the weights.
    """

    locals()["from"] = None
    # ``from`` is a word of Python, so that it cannot be declared as other fields are.
    __annotations__["from"] = Annotated[
        Annotated[str, Field(min_length=1, max_length=4096)] | None, Environment, Cosmetic
    ]
    """Run directory of the teacher; left out, it is the moving average that ``ema`` says."""
    checkpoint: Annotated[str, Field(min_length=1, max_length=100)] = "best"
    """Which of the run's weights: best, last, average, average:N or the name of a checkpoint."""
    task: Annotated[Annotated[str, Field(min_length=1, max_length=100)] | None, Later] = None
    """Which task of the run teaches, where it has learned several."""
    ema: Fraction | None = None
    """Decay of the moving average of the trained weights, a step at a time: Tarvainen & Valpola (2017), "Mean
    teachers are better role models", arXiv:1703.01780.
    """

    answers: Annotated[Literal["batch", "example"], Later] = "batch"
    """``batch``: it reads the very batch that the student reads, anew each time; ``example``: it reads each
    example by itself, once, and its answers are kept, which wants inputs that stay as they are (SQ398).
    """
    keep_megabytes: Annotated[Positive, Speed] = 1000
    """Memory that kept answers may take, in megabytes; the rest is asked again, with the same bits."""

    @property
    def run(self) -> str | None:
        """The run directory, with the names of variables in it."""
        found: Any = getattr(self, "from")
        return found if found is None else str(found)
