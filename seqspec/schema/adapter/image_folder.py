"""Images in a folder for each class."""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Pattern, SplitName
from seqspec.schema.types import Classes, Image, Type, Unknown
from seqspec.schema.units import Dim


class ImageFolderConfig(AdapterConfig):
    """Read ``<split>/<class>/<any name>.{png,jpg,…}`` (needs the extra ``images``); the folder's name is the
    class.
    """

    splits: Annotated[dict[SplitName, Pattern], Field(min_length=1)] = {
        "train": "train",
        "dev": "val",
        "test": "test",
    }
    """Folder of each split below ``root``; ``.`` where the classes stand in ``root`` itself."""
    channels: Literal[1, 3] = 3
    """Grey or colour; images are converted."""
    height: Dim
    """Pixels."""
    width: Dim
    """Pixels."""
    resize: bool = False
    """Scale the shorter side to fit and cut out the middle; without it an image of another size is a bad
    row.
    """

    def roles(self) -> dict[str, Type]:
        return {
            "source": Image(self.channels, self.height, self.width),
            "target": Classes(Unknown("data.target.classes")),
        }
