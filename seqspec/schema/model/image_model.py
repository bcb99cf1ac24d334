"""A decoder alone that tells pictures: each channel of each pixel from those before it, row by row.

Parmar et al. (2018), "Image Transformer", arXiv:1802.05751.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.slot import Slot
from seqspec.schema.types import Classes, Image, Logits, Nothing, Poison, States, Tokens, Type, Vector

VALUES = 256
"""Values of one channel of a pixel."""


class ImageModelConfig(Config):
    """The likelihood of pictures, over 256 values a channel; labels are left unread.  Pictures come as
    they are: ``data.image.normalize`` is ``unit``.
    """

    decoder: Annotated[Config, Slot("decoder")]
    """Reads what was told so far: one id for each channel's values, from 0 for the first channel's."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the values of the next channel."""

    @property
    def target_unit(self) -> Literal["examples"]:
        """The loss is a mean over the dimensions of a picture."""
        return "examples"

    def dimensions(self, source: Image) -> int:
        """Values of one picture, which are the positions that the decoder reads."""
        return source.channels * source.height * source.width

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Type:
        """``source`` pictures to logits over the values of each channel."""
        picture = source.get("source", Nothing())
        if isinstance(picture, Poison):
            return picture
        if not isinstance(picture, Image):
            raise Mismatch(
                f"an image model tells pictures, and the corpus gives {picture}",
                help="for text use model `language_model` or `encoder_decoder`",
            )
        ids = Tokens(picture.channels * VALUES, special=False)
        hidden = flow.node("decoder", {"target": ids, "memory": Nothing()})
        if isinstance(hidden, Poison):
            return hidden
        assert isinstance(hidden, States)
        logits = flow.node("head", {"hidden": Vector(hidden.dim), "target": Classes(VALUES)})
        if not isinstance(logits, Logits):
            return logits
        return Logits(VALUES, stride=0, picture=True)
