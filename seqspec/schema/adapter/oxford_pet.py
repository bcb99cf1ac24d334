"""Oxford-IIIT Pet: Parkhi et al. (2012), "Cats and Dogs", CVPR."""

from typing import ClassVar

from seqspec.schema.adapter._adapter import Download
from seqspec.schema.adapter._masks import MaskCorpusConfig

_PLACE = "https://www.robots.ox.ac.uk/~vgg/data/pets/data/"


class OxfordPetConfig(MaskCorpusConfig):
    """Read ``images/*.jpg`` and ``annotations/trimaps/*.png`` by the lists
    ``annotations/{trainval,test}.txt``: 3,680 and 3,669 images. The trimap's 1, 2 and 3 become the classes 0
    pet, 1 background and 2 border. There is no dev part; ``data.split`` cuts one out of ``train``.
    """

    classes: ClassVar[int] = 3

    def downloads(self) -> tuple[Download, ...]:
        images = Download(_PLACE + "images.tar.gz", "792 MB")
        return images, Download(_PLACE + "annotations.tar.gz", "19 MB")
