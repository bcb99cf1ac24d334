"""Share of generated images that a classifier calls by the class they were made of: the GAN-test of Shmelkov,
Schmid and Alahari (2018), "How good is my GAN?", ECCV, arXiv:1807.09499.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from seqspec.schema.config import Mismatch
from seqspec.schema.metric._feature_run import FeatureRunConfig
from seqspec.schema.types import Classes, CriticScores, Denoising, Poison, Type


class RecognizedAccuracyConfig(FeatureRunConfig):
    """A trained classifier names each image that the model makes, of the class of one of the split's. Beside
    it stands the same of the split's own images: what the classifier itself gets right.
    """

    percent: ClassVar[bool] = True

    by_class: bool = False
    """Whether the value of each class is told too."""

    def output(self, source: Mapping[str, Type]) -> Type:
        given, target = source["given"], source.get("target")
        if not isinstance(target, Classes | Poison):
            raise Mismatch(
                f"`recognized_accuracy` compares classes, and the corpus gives {target}",
                help="choose a corpus with labels",
            )
        makes = isinstance(given, CriticScores | Denoising) and given.of_classes
        if self.images == "samples" and not makes and not isinstance(given, Poison):
            raise Mismatch(
                "`recognized_accuracy` asks for images of a class, and the model is told none",
                help="write `condition: class` of `gan` and `diffusion`, or `images: reconstructions`",
            )
        return super().output(source)
