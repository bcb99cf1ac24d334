"""What the adapters of tables share: which column plays which role."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Language, Splits
from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import (
    Classes,
    Floats,
    Frames,
    Image,
    Integers,
    Mask,
    Scalar,
    Text,
    Type,
    Unknown,
    Vector,
    Waveform,
)
from seqspec.schema.units import Dim, FieldName, Hertz, Later

Column = Annotated[str, Field(min_length=1, max_length=1000)] | Annotated[int, Field(ge=1, le=100_000)]
"""A column by its name in the header, or by its number from 1 where there is no header."""

KINDS = ("text", "label", "audio", "image", "mask", "number", "vector", "frames", "integers", "floats")
SPAN = ("start", "duration")
"""Columns that say which piece of a recording is meant."""
SETTINGS = {
    "text": ("language",),
    "audio": ("rate", "resample", "channel", "start", "duration"),
    "image": ("channels", "height", "width", "resize"),
    "mask": ("classes", "height", "width", "resize", "ignore"),
    "vector": ("dim",),
    "frames": ("dim", "rate"),
}
"""What may be said of a column of each kind."""
RESERVED = ("id", "file", "row", "corpus", "joined")
"""What records hold beside their fields."""
SUFFIXES = ("_hash", "_start", "_end", "_samples", "_shape")
"""Endings of the names under which records keep what belongs to a field."""


_SIZE = "need their size", "height: 32, width: 32"
NEEDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "text": (("language", "the text of `{}` needs its language", "language: ja"),),
    "audio": (("rate", "the audio of `{}` needs its rate", "rate: 16000"),),
    "image": tuple((side, f"the images of `{{}}` {_SIZE[0]}", _SIZE[1]) for side in ("height", "width")),
    "mask": (
        ("classes", "the masks of `{}` need the number of their classes", "classes: 21"),
        *((side, f"the masks of `{{}}` {_SIZE[0]}", _SIZE[1]) for side in ("height", "width")),
    ),
    "vector": (("dim", "the vectors of `{}` need their width", "dim: 256"),),
    "frames": (("dim", "the frames of `{}` need their width", "dim: 80"),),
}
"""The key that each kind cannot do without, what is said where it is missing, and an example."""


class RoleColumn(Config):
    """One column as a field: exactly one of the kinds (``text``, ``label``, ``audio``, …) names it."""

    text: Column | None = None
    """Column of raw text; needs ``language``."""
    language: Language | None = None
    """Language of the text."""
    label: Column | None = None
    """Column of class names."""
    audio: Column | None = None
    """Column of audio files, as paths below the corpus folder; needs ``rate``."""
    rate: Hertz | None = None
    """Samples a second of the audio, where a file of another rate is a bad row; of ``frames``, frames a
    second.
    """
    resample: bool = False
    """Resample audio of any rate to ``rate``."""
    channel: Literal["mean"] | Annotated[int, Field(ge=1, le=256)] | None = None
    """Channel, from 1, of recordings with several, or ``mean`` of all; left out, they are bad rows."""
    start: Column | None = None
    """Column of the second at which the piece of the recording begins; left out, its beginning."""
    duration: Column | None = None
    """Column of the piece's length in seconds; left out, all to the recording's end."""
    image: Column | None = None
    """Column of images, as paths below the corpus folder; needs ``height`` and ``width``, in pixels."""
    channels: Literal[1, 3] | None = None
    """Grey or colour, to which images are converted; left out, colour."""
    height: Dim | None = None
    """Height of the images, in pixels."""
    width: Dim | None = None
    """Width of the images, in pixels."""
    resize: bool = False
    """Scale an image's shorter side to fit and cut out the middle; without it one of another size is a bad
    row.
    """
    mask: Annotated[Column | None, Later] = None
    """Column of masks, as paths of grey or palette images whose pixels are class numbers; needs ``classes``,
    ``height`` and ``width``.
    """
    classes: Annotated[Dim | None, Later] = None
    """Classes of a mask; a pixel of that number or above makes a bad row."""
    ignore: Annotated[int | None, Field(ge=0, le=255), Later] = None
    """What stands in a mask at pixels that have no class, often 255; they count in no loss and no metric."""
    number: Annotated[Column | None, Later] = None
    """Column of one number a row."""
    vector: Annotated[Column | None, Later] = None
    """Column of vectors, as lists or as paths of ``.npy`` files below the corpus folder; needs ``dim``."""
    frames: Annotated[Column | None, Later] = None
    """Column of frame sequences ``[T, dim]``, as lists or as paths of ``.npy`` files; needs ``dim``."""
    dim: Annotated[Dim | None, Later] = None
    """Width of a vector or of each frame."""
    integers: Annotated[Column | None, Later] = None
    """Column of sequences of whole numbers, such as durations: lists, text with spaces, or ``.npy`` files."""
    floats: Annotated[Column | None, Later] = None
    """Column of sequences of numbers, such as pitch: lists, text with spaces, or ``.npy`` files."""

    @property
    def kind(self) -> str:
        """Which kind it is."""
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
            kinds = ", ".join(f"`{kind}`" for kind in KINDS[:-1])
            message = f"a field is one of {kinds} and `{KINDS[-1]}`; `{name}` names {said}"
            example = f"write `{name}: {{text: COLUMN, language: ja}}` or `{name}: {{label: COLUMN}}`"
            raise Mismatch(message, at=(name,), help=example)
        self._refuse_strangers(name, given[0])
        self._require(name, given[0])
        return self._type(name, given[0])

    def _type(self, name: str, kind: str) -> Type:
        size = (self.height or 0, self.width or 0)
        match kind:
            case "text":
                return Text(self.language or "")
            case "audio":
                return Waveform(self.rate or 0)
            case "image":
                return Image(self.channels or 3, *size)
            case "mask":
                return Mask(self.classes or 0, *size, ignore=self.ignore)
            case "vector":
                return Vector(self.dim or 0)
            case "frames":
                return Frames(self.dim or 0, rate=self.rate or 0)
            case "label":
                return Classes(Unknown(f"data.{name}.classes"))
        return {"number": Scalar(), "integers": Integers(), "floats": Floats()}[kind]

    def _require(self, name: str, kind: str) -> None:
        """What must be said of a column of its kind."""
        for field, what, example in NEEDS.get(kind, ()):
            if getattr(self, field) is None:
                raise Mismatch(f"{what.format(name)}", at=(name,), help=f"add `{example}`, for example")

    def _refuse_strangers(self, name: str, kind: str) -> None:
        strangers = {field for fields in SETTINGS.values() for field in fields} - set(SETTINGS.get(kind, ()))
        for field in type(self).model_fields:
            if field in strangers and getattr(self, field):
                message = f"`{field}` says nothing about a {kind} column"
                raise Mismatch(message, at=(name, field), help="take it out")


class TableConfig(AdapterConfig):
    """A table: rows are examples, columns are fields."""

    splits: Splits
    """Files of each split below ``root``, read one after the other."""
    source: RoleColumn | None = None
    """Column that the model reads; left out for language models."""
    target: RoleColumn | None = None
    """Column that the model learns to give."""
    fields: Annotated[dict[FieldName, RoleColumn], Later] = {}
    """Columns of other fields by name, such as ``durations`` or ``speaker_audio``."""
    id: Column | None = None
    """Column of unique names; left out, the file and row number the examples."""
    speaker: Column | None = None
    """Column that tells speakers, documents or groups apart, for splits that must not share one."""

    def columns(self) -> dict[str, RoleColumn]:
        """Every field's column by the field's name: source and target first."""
        usual = {"source": self.source, "target": self.target}
        return {name: column for name, column in usual.items() if column is not None} | self.fields

    def place(self, role: str) -> tuple[str, ...]:
        """Where the spec describes a field, seen from the adapter."""
        return ("fields", role) if role in self.fields else (role,)

    def roles(self) -> dict[str, Type]:
        found: dict[str, Type] = {}
        for name, column in self.columns().items():
            self._refuse_name(name)
            try:
                found[name] = column.role(name)
            except Mismatch as mismatch:
                place = (*self.place(name), *mismatch.at[1:])
                raise Mismatch(mismatch.message, at=place, help=mismatch.help) from None
        if not found:
            message = "the table names no field that a model could read or learn"
            raise Mismatch(message, help="add `target: {text: COLUMN, language: ja}`, for example")
        return found

    def _refuse_name(self, name: str) -> None:
        """A field's name must be free in the records."""
        if name not in self.fields:
            return
        reserved = name in (
            *RESERVED,
            "source",
            "target",
            *(("speaker",) if self.speaker is not None else ()),
        )
        if reserved or name.endswith(SUFFIXES):
            help = (
                "choose another name"
                if name not in ("source", "target")
                else f"write `{name}` beside `fields`"
            )
            raise Mismatch(f"no field under `fields` can be called `{name}`", at=("fields", name), help=help)


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
    for role, held in config.columns().items():
        for kind in (*KINDS, *SPAN):
            yield (*config.place(role), kind), getattr(held, kind)
    yield ("id",), config.id
    yield ("speaker",), config.speaker
