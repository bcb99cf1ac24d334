"""Films as folders of numbered images, one folder a clip."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Pattern, SplitName
from seqspec.schema.types import Clip, Type
from seqspec.schema.units import Dim, Positive


class FrameFolderConfig(AdapterConfig):
    """Read ``<split>/<clip>/<number>.{png,jpg,…}`` in grey (needs the extra ``images``): the first ``given``
    frames are the source, the ``following`` ones the target.

    The last digits of a file's name are its number.  A longer clip gives several examples, one after another;
    a clip may lie some folders deep.  ``ffmpeg -i film.mp4 train/film/%06d.png`` writes such a folder.
    """

    splits: Annotated[dict[SplitName, Pattern], Field(min_length=1)] = {
        "train": "train",
        "dev": "val",
        "test": "test",
    }
    """Folder of each split below ``root``; ``.`` where the clips stand in ``root`` itself."""
    given: Positive = 10
    """Frames that are read."""
    following: Positive = 10
    """Frames behind them, which are predicted."""
    height: Dim
    """Pixels."""
    width: Dim
    """Pixels."""
    resize: bool = False
    """Scale the shorter side to fit and cut out the middle; without it a clip of another size is a bad
    row.
    """

    def roles(self) -> dict[str, Type]:
        clip = Clip(self.height * self.width, height=self.height, width=self.width)
        return {"source": clip, "target": clip}
