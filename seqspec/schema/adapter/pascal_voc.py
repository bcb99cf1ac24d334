"""Pascal VOC: Everingham et al. (2010), "The Pascal Visual Object Classes (VOC) Challenge", International
Journal of Computer Vision.
"""

from typing import ClassVar, Literal

from seqspec.schema.adapter._adapter import Download
from seqspec.schema.adapter._masks import MaskCorpusConfig


class PascalVocConfig(MaskCorpusConfig):
    """Read ``VOCdevkit/VOC2012/{JPEGImages,SegmentationClass}`` by the lists below
    ``ImageSets/Segmentation``: ``train`` 1,464 and ``val``, as dev, 1,449 images of 20 classes and the
    background; outlines and what is hard to tell have no class.
    """

    classes: ClassVar[int] = 21

    year: Literal[2007, 2009, 2010, 2011, 2012] = 2012
    """Year of the challenge, as the folder is named."""

    def downloads(self) -> tuple[Download, ...]:
        if self.year != 2012:
            return ()
        place = "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar"
        return (Download(place, "1.9 GB"),)
