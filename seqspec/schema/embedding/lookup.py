"""One learned vector a token id."""

from collections.abc import Mapping
from typing import Annotated

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Tokens, Type
from seqspec.schema.units import Dim, InferredMark, Positive, PositiveFloat


class LookupConfig(Config):
    """A table of vectors, read by id."""

    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of a vector; left out, that of what reads it."""
    scale: bool = True
    """Multiply what is read by the square root of ``dim``, as Vaswani et al. (2017), section 3.4."""
    std: PositiveFloat | None = None
    """Standard deviation of the initial values; left out, one over the square root of ``dim``."""

    rows_multiple_of: Positive = 1
    """Round the number of rows up to a multiple of this; rows beyond the vocabulary are never read."""

    def output(self, source: Type) -> Frames:
        if not isinstance(source, Tokens):
            raise Mismatch(f"only ids can be looked up, and this is {source}", help="leave the embedding out")
        if self.dim is None:
            raise Mismatch(
                "the width of the embedding does not follow from what reads it", at=("dim",), help="set `dim`"
            )
        return Frames(self.dim)

    def parameters(self, takes: Mapping[str, Type]) -> int | None:
        """Trainable parameters; ``None`` while the vocabulary is unknown."""
        source = takes["source"]
        if not isinstance(source, Tokens) or not isinstance(source.vocab, int) or self.dim is None:
            return None
        return -(-source.vocab // self.rows_multiple_of) * self.rows_multiple_of * self.dim
