"""A decoder alone that tells images: each channel of each pixel from those before it, row by row.

Parmar et al. (2018), "Image Transformer", arXiv:1802.05751.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._outputs import outputs_of
from seqspec.schema.slot import Slot
from seqspec.schema.types import (
    Classes,
    Image,
    Logits,
    Nothing,
    Outputs,
    Poison,
    States,
    Tokens,
    Type,
    Vector,
)

VALUES = 256
"""Values of one channel of a pixel."""


class ImageModelConfig(Config):
    """The likelihood of images, over 256 values a channel; labels are left unread.  Images come as
    they are: ``data.image.normalize`` is ``unit``.
    """

    decoder: Annotated[Config, Slot("decoder")]
    """Reads what was told so far: one id for each channel's values, from 0 for the first channel's."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the values of the next channel."""

    usual_metric: ClassVar[str] = "bits_per_dim"
    values: ClassVar[int] = VALUES
    """What it chooses among for each channel of each pixel of its source."""

    def dimensions(self, source: Image) -> int:
        """Values of one image, which are the positions that the decoder reads."""
        return source.channels * source.height * source.width

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``source`` images to ``values``, logits over the values of each channel."""
        image = source.get("source", Nothing())
        if isinstance(image, Poison):
            return Outputs({"values": image})
        if not isinstance(image, Image):
            raise Mismatch(
                f"an image model tells images, and the corpus gives {image}",
                help="for text use model `language_model` or `encoder_decoder`",
            )
        ids = Tokens(image.channels * VALUES, special=False)
        hidden = flow.node("decoder", {"target": ids, "memory": Nothing()})
        if isinstance(hidden, Poison):
            return Outputs({"values": hidden})
        assert isinstance(hidden, States)
        logits = flow.node("head", {"hidden": Vector(hidden.dim), "target": Classes(VALUES)})
        if isinstance(logits, Logits):
            logits = Logits(VALUES, stride=0, image=True)
        return outputs_of(("values", logits), self, ("decoder",))
