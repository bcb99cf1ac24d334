"""COCO captions: Chen et al. (2015), "Microsoft COCO Captions: Data Collection and Evaluation Server",
arXiv:1504.00325.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Download, SplitName
from seqspec.schema.types import Image, Text, Type
from seqspec.schema.units import Dim

Part = Annotated[str, Field(pattern=r"^[a-z]+[0-9]{4}$")]


class CocoCaptionsConfig(AdapterConfig):
    """Read ``annotations/captions_<part>.json`` and ``<part>/<number>.jpg`` (needs the extra ``images``); an
    example a caption.
    """

    parts: dict[SplitName, Part] = {"train": "train2017", "dev": "val2017"}
    """Part of the corpus that each split is."""
    height: Dim = 224
    """Pixels that images are scaled and cut to."""
    width: Dim = 224
    """Pixels that images are scaled and cut to."""

    def roles(self) -> dict[str, Type]:
        return {"source": Image(3, self.height, self.width), "target": Text("en")}

    def downloads(self) -> tuple[Download, ...]:
        address = "http://images.cocodataset.org"
        sizes = {"train2017": "18 GB", "val2017": "778 MB"}
        images = (
            Download(f"{address}/zips/{part}.zip", sizes[part])
            for part in self.parts.values()
            if part in sizes
        )
        return (Download(f"{address}/annotations/annotations_trainval2017.zip", "241 MB"), *images)
