"""The class of each point of a set, such as the part of a thing that it lies on: Qi et al. (2017),
arXiv:1612.00593, section 5.1.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.slot import Slot
from seqspec.schema.types import (
    Classes,
    Nothing,
    Outputs,
    PixelLogits,
    PointClasses,
    Points,
    Poison,
    Type,
    Vector,
)

NO_CLASS = -1
"""What stands beyond the last point of a set."""


class PointSegmentationConfig(Config):
    """An encoder gives features at each point, a head scores the classes there.  Where the corpus tells the
    ``category`` of a thing, the encoder reads it, and only its parts are given.
    """

    usual_metric: ClassVar[str] = "part_iou"

    encoder: Annotated[Config, Slot("encoder")]
    """Reads the points and gives features of each."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the classes at each point."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``points``, logits over the classes of the target."""
        points, target = source.get("source", Nothing()), source.get("target", Nothing())
        if not isinstance(points, Points | Poison):
            raise Mismatch(f"`point_segmentation` reads sets of points, and the corpus gives {points}")
        if not isinstance(target, PointClasses | Poison):
            raise Mismatch(
                f"`point_segmentation` learns a class of each point, and the corpus gives {target}",
                help="use adapter `shapenet_part`; for a label of the whole set use model `classifier`",
            )
        category = source.get("category")
        read = {"points": points} | ({"category": category} if isinstance(category, Classes) else {})
        features = flow.node("encoder", read)
        if any(isinstance(type_, Poison) for type_ in (features, points, target)):
            return Outputs({"points": Poison()})
        if not isinstance(features, Points):
            raise Mismatch(
                f"`point_segmentation` needs features of each point, and the encoder gives {features}",
                at=("encoder",),
                help="use encoder `pointnet2_segmentation`",
            )
        assert isinstance(target, PointClasses)
        flow.node("head", {"hidden": Vector(features.dim), "target": Classes(target.classes)})
        return Outputs({"points": PixelLogits(target.classes, NO_CLASS)})
