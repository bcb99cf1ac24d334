"""Point clouds drawn from the surfaces of meshes, as in ModelNet40: Wu et al. (2015), "3D ShapeNets", CVPR,
arXiv:1406.5670.
"""

from seqspec.schema.adapter._adapter import AdapterConfig, Download, SplitName
from seqspec.schema.types import Classes, Points, Type, Unknown
from seqspec.schema.units import Dim


class PointCloudConfig(AdapterConfig):
    """Read ``ModelNet40/<class>/{train,test}/*.off``; the folder's name is the class.

    Points are drawn evenly over the surface, always the same ones for the same file, then centred and scaled
    into the unit ball. There is no dev part; ``data.split`` cuts one out of ``train``.
    """

    folders: dict[SplitName, str] = {"train": "train", "test": "test"}
    """Folder of each split within the folder of a class."""
    num_points: Dim = 1024
    """Points drawn from each mesh."""

    def roles(self) -> dict[str, Type]:
        return {"source": Points(3, num=self.num_points), "target": Classes(Unknown("data.target.classes"))}

    def downloads(self) -> tuple[Download, ...]:
        return (Download("http://modelnet.cs.princeton.edu/ModelNet40.zip", "2.0 GB"),)
