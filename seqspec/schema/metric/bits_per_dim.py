"""Bits per dimension: negative log2-likelihood of an image over its pixels times its channels."""

from collections.abc import Mapping

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Logits, Nothing, Poison, Type


class BitsPerDimConfig(Config):
    """Teacher-forced; comparable across models of images of one size."""

    def output(self, source: Mapping[str, Type]) -> Type:
        given = source["given"]
        if not isinstance(given, Poison) and not (isinstance(given, Logits) and given.image):
            raise Mismatch(
                f"`bits_per_dim` is for models of images, and the model gives {given}",
                help="for text use `bits_per_character` or `bits_per_byte`, for labels `accuracy`",
            )
        return Nothing()
