"""The class of each pixel of an image: Long et al. (2015), "Fully Convolutional Networks for Semantic
Segmentation", arXiv:1411.4038.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.slot import Slot
from seqspec.schema.types import Classes, Image, Mask, Nothing, Outputs, PixelLogits, Poison, Type, Vector


class SegmentationConfig(Config):
    """An encoder gives features at the image's places, a head scores the classes there; scores at fewer
    places are interpolated to the mask's size.
    """

    usual_metric: ClassVar[str] = "mean_iou"

    encoder: Annotated[Config, Slot("encoder")]
    """Reads the image and gives a map of features."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the classes at each place."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``pixels``, logits over the classes of the target, a mask."""
        image, mask = source.get("source", Nothing()), source.get("target", Nothing())
        if not isinstance(image, Image | Poison):
            raise Mismatch(f"`segmentation` reads images, and the corpus gives {image} as its source")
        if not isinstance(mask, Mask | Poison):
            raise Mismatch(
                f"`segmentation` learns masks, and the corpus gives {mask} as its target",
                help="name a `mask` in the adapter's target; for a label of the whole image use `classifier`",
            )
        features = flow.node("encoder", image)
        if isinstance(features, Poison) or isinstance(mask, Poison) or isinstance(image, Poison):
            return Outputs({"pixels": Poison()})
        self._check(features, image, mask)
        assert isinstance(features, Image)
        flow.node("head", {"hidden": Vector(features.channels), "target": Classes(mask.classes)})
        return Outputs({"pixels": PixelLogits(mask.classes, mask.ignore)})

    def _check(self, features: Type, image: Image, mask: Mask) -> None:
        if not isinstance(features, Image):
            raise Mismatch(
                f"`segmentation` needs features at places, and the encoder gives {features}",
                at=("encoder",),
                help="use encoder `unet`, `fcn` or `deeplab_v3_plus`",
            )
        if (mask.height, mask.width) != (image.height, image.width):
            raise Mismatch(
                f"masks are {mask.height} × {mask.width} and images {image.height} × {image.width} pixels",
                help="give both one size in the adapter",
            )
