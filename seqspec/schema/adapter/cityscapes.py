"""Cityscapes: Cordts et al. (2016), "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR."""

from typing import ClassVar

from seqspec.schema.adapter._masks import MaskCorpusConfig


class CityscapesConfig(MaskCorpusConfig):
    """Read ``leftImg8bit/<part>/<city>/*_leftImg8bit.png`` and
    ``gtFine/<part>/<city>/*_gtFine_labelIds.png``: 2,975 and, as dev, 500 images of 2048 × 1024 pixels. Of
    the 34 numbers of the files 19 are the classes that are evaluated, in the benchmark's order; the others
    have none. One must register to fetch the corpus.
    """

    classes: ClassVar[int] = 19
