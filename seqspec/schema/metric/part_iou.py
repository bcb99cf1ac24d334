"""Intersection over union of parts: Yi et al. (2016), as Qi et al. (2017), arXiv:1612.00593, section 5.1,
count it.
"""

from collections.abc import Mapping

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Nothing, PointClasses, Poison, Type


class PartIouConfig(Config):
    """Of each thing the mean over all parts of its category, where a part that neither side has counts as 1;
    then the mean over things, and, as ``part_iou.category``, the mean over the means of categories.
    """

    def output(self, source: Mapping[str, Type]) -> Type:
        if not isinstance(source["target"], PointClasses | Poison):
            raise Mismatch(
                f"`part_iou` compares classes of points, and the target here is {source['target']}",
                help="for masks of images use `mean_iou`, for labels `accuracy`",
            )
        return Nothing()
