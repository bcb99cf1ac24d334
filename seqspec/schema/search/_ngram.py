"""An n-gram language model that a search listens to."""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.environment import Environment
from seqspec.schema.units import Cosmetic


class NgramFusion(Config):
    """Add the log-probability of a back-off n-gram model in ARPA form, such as KenLM's ``lmplz`` writes.

    Where the file lies is this machine's affair; the lock holds its digest.
    """

    file: Annotated[str, Field(min_length=1, max_length=4096), Environment, Cosmetic]
    """The ARPA file, unpacked."""
    weight: Annotated[float, Field(gt=0, le=100)]
    """What its log-probabilities are multiplied by."""
    unit: Literal["words", "pieces"] = "words"
    """What its n-grams are of: words between spaces, or the pieces of the target's tokenizer (a space is
    written ``<space>``).
    """
