"""One learned vector a token id, and one for each command with which a target may begin: Kaiser et al.
(2017), "One Model To Learn Them All", arXiv:1706.05137, section 2.3.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Tokens, Type
from seqspec.schema.units import Dim, InferredMark


class CommandLookupConfig(Config):
    """A table of vectors that is read by id, and a table of commands; ``model.command`` says which of them
    stands where the target begins, so that one decoder serves several tasks.
    """

    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of a vector; left out, that of what reads it."""
    commands: Annotated[int, Field(ge=1, le=65_536)] = 32
    """Command tokens, numbered from 0."""
    scale: bool = True
    """Multiply the vectors of ids by the square root of ``dim``; those of commands stay as they are."""

    def output(self, source: Type) -> Frames:
        if not isinstance(source, Tokens):
            raise Mismatch(f"only ids can be looked up, and this is {source}")
        if self.dim is None:
            raise Mismatch(
                "the width of the embedding does not follow from what reads it", at=("dim",), help="set `dim`"
            )
        return Frames(self.dim)

    def parameters(self, takes: dict[str, Type]) -> int | None:
        """Trainable parameters; ``None`` while the vocabulary is unknown."""
        source = takes["source"]
        if not isinstance(source, Tokens) or not isinstance(source.vocab, int) or self.dim is None:
            return None
        return (source.vocab + self.commands) * self.dim
