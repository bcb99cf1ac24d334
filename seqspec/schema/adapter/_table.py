"""What the adapters of tables share: which column plays which role."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Language, Splits
from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Classes, Image, Text, Type, Unknown, Waveform
from seqspec.schema.units import Dim, Hertz

Column = Annotated[str, Field(min_length=1, max_length=1000)] | Annotated[int, Field(ge=1, le=100_000)]
"""A column by its name in the header, or by its number from 1 where there is no header."""

KINDS = ("text", "label", "audio", "image")
SPAN = ("start", "duration")
"""Columns that say which piece of a recording is meant."""
SETTINGS = {
    "text": ("language",),
    "audio": ("rate", "resample", "channel", "start", "duration"),
    "image": ("channels", "height", "width", "resize"),
}
"""What may be said of a column of each kind."""


class RoleColumn(Config):
    """One column as a role: exactly one of ``text``, ``label``, ``audio`` and ``image`` names it."""

    text: Column | None = None
    """Column of raw text; needs ``language``."""
    language: Language | None = None
    """Language of the text."""
    label: Column | None = None
    """Column of class names."""
    audio: Column | None = None
    """Column of audio files, as paths below the corpus folder; needs ``rate``."""
    rate: Hertz | None = None
    """Samples a second of the audio; a file of another rate is a bad row."""
    resample: bool = False
    """Resample audio of any rate to ``rate``."""
    channel: Literal["mean"] | Annotated[int, Field(ge=1, le=256)] | None = None
    """Channel, from 1, of recordings with several, or ``mean`` of all; left out, they are bad rows."""
    start: Column | None = None
    """Column of the second at which the piece of the recording begins; left out, its beginning."""
    duration: Column | None = None
    """Column of the piece's length in seconds; left out, all to the recording's end."""
    image: Column | None = None
    """Column of pictures, as paths below the corpus folder; needs ``height`` and ``width``, in pixels."""
    channels: Literal[1, 3] | None = None
    """Grey or colour, to which pictures are converted; left out, colour."""
    height: Dim | None = None
    """Height of the pictures, in pixels."""
    width: Dim | None = None
    """Width of the pictures, in pixels."""
    resize: bool = False
    """Scale a picture's shorter side to fit and cut out the middle; without it one of another size is a bad
    row.
    """

    @property
    def kind(self) -> str:
        """Which of the four it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def column(self) -> str | int:
        """The column, whichever kind it is."""
        found: str | int = getattr(self, self.kind)
        return found

    @property
    def columns(self) -> tuple[str | int, ...]:
        """Every column that is read for the role."""
        return (self.column, *(column for column in (self.start, self.duration) if column is not None))

    def role(self, name: str) -> Type:
        """The type of the column; raises ``Mismatch`` where the keys do not belong together."""
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            said = "none of them" if not given else "both " + " and ".join(f"`{kind}`" for kind in given)
            message = f"a role is one of `text`, `label`, `audio` and `image`; `{name}` names {said}"
            example = f"write `{name}: {{text: COLUMN, language: ja}}` or `{name}: {{label: COLUMN}}`"
            raise Mismatch(message, at=(name,), help=example)
        kind = given[0]
        self._refuse_strangers(name, kind)
        if self.text is not None:
            if self.language is None:
                raise Mismatch(
                    f"the text of `{name}` needs its language",
                    at=(name,),
                    help="add `language: ja`, for example",
                )
            return Text(self.language)
        if self.audio is not None:
            if self.rate is None:
                raise Mismatch(
                    f"the audio of `{name}` needs its rate", at=(name,), help="add `rate: 16000`, for example"
                )
            return Waveform(self.rate)
        if self.image is not None:
            if self.height is None or self.width is None:
                message = f"the pictures of `{name}` need their size"
                raise Mismatch(message, at=(name,), help="add `height: 32, width: 32`, for example")
            return Image(self.channels or 3, self.height, self.width)
        return Classes(Unknown(f"data.{name}.classes"))

    def _refuse_strangers(self, name: str, kind: str) -> None:
        for of, fields in SETTINGS.items():
            for field in fields:
                if getattr(self, field) and of != kind:
                    message = f"`{field}` says nothing about a {kind} column"
                    raise Mismatch(message, at=(name, field), help="take it out")


class TableConfig(AdapterConfig):
    """A table: rows are examples, columns play roles."""

    splits: Splits
    """Files of each split below ``root``, read one after the other."""
    source: RoleColumn | None = None
    """Column that the model reads; left out for language models."""
    target: RoleColumn
    """Column that the model learns to give."""
    id: Column | None = None
    """Column of unique names; left out, the file and row number the examples."""
    speaker: Column | None = None
    """Column that tells speakers, documents or groups apart, for splits that must not share one."""

    def roles(self) -> dict[str, Type]:
        roles = {"source": self.source.role("source")} if self.source is not None else {}
        return {**roles, "target": self.target.role("target")}


def require_header(config: TableConfig, header: bool) -> None:
    """Columns are names where a header names them, and numbers where there is none; raises ``Mismatch``."""
    for place, column in _columns(config):
        if header and isinstance(column, int):
            message = f"column {column} is a number, and the first row names the columns"
            raise Mismatch(message, at=place, help="write the column's name, or set `header: false`")
        if not header and isinstance(column, str):
            message = f"column `{column}` is a name, and there is no row that names the columns"
            raise Mismatch(message, at=place, help="write its number, from 1, or take `header: false` out")


def _columns(config: TableConfig) -> Iterator[tuple[tuple[str, ...], str | int | None]]:
    for role in ("source", "target"):
        held: RoleColumn | None = getattr(config, role)
        for kind in (*KINDS, *SPAN) if held is not None else ():
            yield (role, kind), getattr(held, kind)
    yield ("id",), config.id
    yield ("speaker",), config.speaker
