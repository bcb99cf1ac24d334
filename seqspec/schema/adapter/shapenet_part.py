"""ShapeNetPart: Yi et al. (2016), "A Scalable Active Framework for Region Annotation in 3D Shape
Collections", ACM Transactions on Graphics 35(6).
"""

from __future__ import annotations

from itertools import accumulate
from typing import ClassVar

from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.types import Classes, PointClasses, Points, Type
from seqspec.schema.units import Dim

PARTS = {
    "Airplane": 4, "Bag": 2, "Cap": 2, "Car": 4, "Chair": 4, "Earphone": 3, "Guitar": 3, "Knife": 2,
    "Lamp": 4, "Laptop": 2, "Motorbike": 6, "Mug": 2, "Pistol": 3, "Rocket": 3, "Skateboard": 3, "Table": 3,
}  # fmt: skip
"""How many parts the things of each category have; they are numbered on from one category to the next."""
SYNSETS = {
    "Airplane": "02691156", "Bag": "02773838", "Cap": "02954340", "Car": "02958343", "Chair": "03001627",
    "Earphone": "03261776", "Guitar": "03467517", "Knife": "03624134", "Lamp": "03636649",
    "Laptop": "03642806", "Motorbike": "03790512", "Mug": "03797390", "Pistol": "03948459",
    "Rocket": "04099429", "Skateboard": "04225987", "Table": "04379243",
}  # fmt: skip
"""The folder of each category, as ``synsetoffset2category.txt`` of the corpus has them."""


class ShapenetPartConfig(AdapterConfig):
    """Read ``shapenetcore_partanno_segmentation_benchmark_v0_normal``: 16 categories with 50 parts in all.

    A thing is ``<synset>/<id>.txt``, a line a point: its place, its normal, its part.  The lists in
    ``train_test_split`` are the splits (``val`` is dev). Points are drawn, always the same ones for the same
    file, then centred and scaled into the unit ball.  ``category`` is the number of the category in
    alphabetical order.  The layout, the folders' names and the numbers of the parts are those of the readers
    that come with the published networks (``PartNormalDataset``); these centre and scale a whole file before
    they draw, with points drawn twice.
    """

    first: ClassVar[tuple[int, ...]] = tuple(accumulate(PARTS.values(), initial=0))[:-1]

    num_points: Dim = 2048
    """Points drawn from each thing; where a file has fewer, some are drawn again."""
    normals: bool = False
    """Whether a point's normal follows its place."""

    def roles(self) -> dict[str, Type]:
        return {
            "source": Points(6 if self.normals else 3, num=self.num_points),
            "target": PointClasses(classes=sum(PARTS.values()), first=self.first),
            "category": Classes(len(PARTS)),
        }
