"""ADE20K: Zhou et al. (2017), "Scene Parsing through ADE20K Dataset", CVPR; the version of the 2016
challenge.
"""

from typing import ClassVar

from seqspec.schema.adapter._adapter import Download
from seqspec.schema.adapter._masks import MaskCorpusConfig


class Ade20kConfig(MaskCorpusConfig):
    """Read ``ADEChallengeData2016/{images,annotations}/{training,validation}``: 20,210 and, as dev, 2,000
    images of 150 classes. What the files number 1 to 150 become the classes 0 to 149; their 0 has no class.
    """

    classes: ClassVar[int] = 150

    def downloads(self) -> tuple[Download, ...]:
        place = "http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip"
        return (Download(place, "923 MB"),)
