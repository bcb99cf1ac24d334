"""Parts that may begin as what others have trained: a folder in Hugging Face's layout, as the schema sees it.

Nothing is read here.  Inference hands a component the settings (config.json) and the names and shapes of the
tensors through ``Flow.folder``; which tensor of the folder becomes which of the module stands with the
component, as a ``Layout``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.hugging_face_folder import Layout, Weight
from seqspec.schema.types import Type
from seqspec.schema.units import MOST, Cosmetic, InferredMark, Later, PartPath

WRONG_ARCHITECTURE = "SQ271"
BAD_SETTING = "SQ272"


@runtime_checkable
class HoldsHead(Protocol):
    """A part whose folder holds the softmax above it too."""

    def head_layout(self) -> Layout:
        """Where the head's weights lie in the folder."""
        ...


class Pretrained(Config):
    """A part whose sizes and first weights may come from a folder in Hugging Face's layout."""

    # ``from`` is a word of Python, so that it cannot be declared as other fields are.
    __annotations__["from"] = Annotated[
        Annotated[str, Field(min_length=1, max_length=4096)] | None,
        Field(default=None),
        Environment,
        Cosmetic,
        Later,
    ]
    """Folder in Hugging Face's layout that sizes and first weights come from; left out, weights begin at
    random.
    """
    fresh: Annotated[list[PartPath], Later] = []
    """Parts, by their place in the spec, that begin at random all the same."""
    initial: Annotated[Literal["folder"] | None, InferredMark(), Later] = None
    """Where the first weights come from; it follows from ``from``."""
    read_beside: ClassVar[tuple[str, ...]] = ("from", "fresh", "initial")
    """Fields that inference and the first weights read, not the module."""
    model_types: ClassVar[tuple[str, ...]] = ()
    """``model_type`` of the folders that it can be read from."""
    untyped: ClassVar[tuple[str, ...]] = ()
    """Keys of the config.json of folders without a ``model_type`` that it can be read from too, as the
    authors' own code writes them.
    """

    @property
    def folder(self) -> str | None:
        """The folder, with the names of variables in it."""
        found: str | None = getattr(self, "from")
        return found

    def told(self, flow: Flow) -> Settings | None:
        """What the folder says of the sizes; ``None`` where there is no folder, or where the spec names a
        variable that is not set here.  Raises ``Mismatch``.
        """
        if self.folder is None:
            if self.fresh:
                raise Mismatch(
                    "without `from` everything begins at random", at=("fresh",), help="take `fresh` out"
                )
            return None
        flow.derive("initial", "folder", "`from` names one")
        folder = flow.folder(self.folder)
        if folder is None:
            return None
        found = folder.settings.get("model_type")
        untyped = found is None and self.untyped and set(self.untyped) <= folder.settings.keys()
        if found not in self.model_types and not untyped:
            kinds = ", ".join(f"`{kind}`" for kind in self.model_types)
            raise Mismatch(
                f"the folder holds a model of type `{str(found)[:60]}`, and `{self.component[1]}` is read "
                f"from {kinds}",
                at=("from",),
                help="name another folder, or the component of its type",
                code=WRONG_ARCHITECTURE,
            )
        return Settings(folder.settings)

    def handed_down(self, flow: Flow, part: str, *, untied: bool) -> dict[str, object]:
        """What the component in slot ``part`` is handed where the whole model comes from a folder.

        ``untied``: the spec has a head of its own.  Raises ``Mismatch``.
        """
        below = getattr(self, part)
        if not isinstance(below, Pretrained) or not isinstance(below, HoldsHead):
            raise Mismatch(
                f"{part} `{below.component[1]}` is not read from folders",
                at=("from",),
                help=f"take `from` out, or choose a {part} that is",
            )
        flow.derive("initial", "folder", "`from` names one")
        folder = flow.folder(str(self.folder))
        own = folder is not None and folder.settings.get("tie_word_embeddings") is False
        heads = () if folder is None else [name for name in folder.tensors if name.startswith("lm_head.")]
        if own and not untied and heads:
            raise Mismatch(
                "the folder has a softmax of its own, which a tied one would lose",
                at=("tie",),
                help="set `tie: none`",
            )
        return {"from": (self.folder, "the model's folder")}

    def settle_sizes(self, flow: Flow, told: Mapping[str, object] | None, usual: Mapping[str, object]) -> Any:
        """The config with every size that was left out: the folder's, else the usual one."""
        changes = {}
        for name, value in {**usual, **(told or {})}.items():
            if told is not None and name in told:
                changes[name] = flow.derive(name, value, "the folder's config.json says so")
            elif getattr(self, name) is None:
                changes[name] = flow.derive(name, value, "the usual size")
        return self.model_copy(update=changes)

    def require_unscaled(self) -> None:
        """Raises ``Mismatch`` where ids become scaled vectors, which those of the folder are not."""
        if self.folder is not None and getattr(getattr(self, "embedding", None), "scale", False):
            raise Mismatch(
                "the table of the folder is not scaled",
                at=("embedding",),
                help="set `scale: false`, or leave it out",
            )

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """Which tensors of a folder are this part's own, those of components inside it included."""
        raise NotImplementedError


class Settings(NamedTuple):
    """config.json, distrusted: what is read of it is what it should be, or a ``Mismatch``."""

    held: Mapping[str, Any]

    def integer(self, name: str, default: int | None = None, *, most: int = MOST) -> int:
        """A whole number from 1."""
        value = self._value(name, default)
        if type(value) is not int or not 1 <= value <= most:
            raise self._wrong(name, value, f"a whole number from 1 to {most:,}")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number above 0."""
        value = self._value(name, default)
        if type(value) not in (int, float) or not 0 < value < 1e30:
            raise self._wrong(name, value, "a number above 0")
        return float(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self._value(name, default)
        if type(value) is not bool:
            raise self._wrong(name, value, "true or false")
        return value

    def one_of(self, name: str, words: Mapping[str, Any], default: str) -> Any:
        """What one of the known words stands for."""
        value = self._value(name, default)
        if not isinstance(value, str) or value not in words:
            raise self._wrong(name, value, " or ".join(f"`{word}`" for word in words))
        return words[value]

    def mapping(self, name: str) -> dict[str, Any]:
        """A mapping of plain values; empty where there is none."""
        value = self.held.get(name)
        if value is None:
            return {}
        plain = isinstance(value, dict) and all(
            isinstance(v, str | int | float | None) for v in value.values()
        )
        if not plain:
            raise self._wrong(name, value, "a mapping of numbers and words")
        assert isinstance(value, dict)
        return value

    def integers(self, name: str, default: Any) -> list[int]:
        """A short list of whole numbers from 1."""
        value = self._value(name, default)
        fine = isinstance(value, list) and 1 <= len(value) <= 32
        if not fine or not all(type(item) is int and 1 <= item <= 1_048_576 for item in value):
            raise self._wrong(name, value, "a short list of whole numbers from 1")
        return list(value)

    def words(self, name: str) -> tuple[str, ...] | None:
        """A list of words; ``None`` where there is none."""
        value = self.held.get(name)
        if value is None:
            return None
        if (
            not isinstance(value, list)
            or not all(isinstance(item, str) for item in value)
            or len(value) > 10_000
        ):
            raise self._wrong(name, value, "a list of words")
        return tuple(value)

    def _value(self, name: str, default: object) -> Any:
        value = self.held.get(name)
        if value is None:
            value = default
        if value is None:
            raise self._wrong(name, None, "a value")
        return value

    def _wrong(self, name: str, value: object, expected: str) -> Mismatch:
        found = "is missing" if value is None else f"is {str(value)[:60]!r}"
        return Mismatch(
            f"`{name}` of the folder's config.json {found}; {expected} is expected here",
            at=("from",),
            help="the folder is damaged, or of a kind that this component does not have",
            code=BAD_SETTING,
        )


def placed(layout: Layout, part: str, *, bias: bool) -> Layout:
    """A head's layout as part of a model's; ``bias``: the head has one, which the folder must have too."""
    weights = [weight._replace(here=f"{part}.{weight.here}") for weight in layout.weights]
    if bias and not any(weight.here.endswith(".bias_V") for weight in weights):
        first = weights[0]
        name = first.there.removesuffix(".weight") + ".bias"
        weights.append(Weight(f"{part}.bias_V", name, first.shape[:1], by_id=first.by_id))
    return layout._replace(weights=tuple(weights))
