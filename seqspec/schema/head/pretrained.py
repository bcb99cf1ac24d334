"""The classifier of a folder in Hugging Face's layout, with the names of its classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.hugging_face_folder import Layout, Weight
from seqspec.schema.pretrained import Pretrained
from seqspec.schema.types import Classes, Logits, States, Tokens, Type, Vector
from seqspec.schema.units import InferredMark

Labels = Annotated[list[str], Field(min_length=1, max_length=100_000)]
ROWS = "classifier.weight"
UNNAMED = "LABEL_"
"""What transformers calls the classes of a folder that names none, with their numbers behind it."""


class PretrainedConfig(Pretrained):
    """A linear layer over classes, or over the tags of words, that others have trained.

    Its rows go by name: the folder's ``id2label`` and the labels of the corpus must be the same, in whatever
    order.  Where the folder names none they go by number.
    """

    model_types: ClassVar[tuple[str, ...]] = ("bert", "vit", "wav2vec2", "hubert", "wavlm")
    read_beside: ClassVar[tuple[str, ...]] = (*Pretrained.read_beside, "labels")

    labels: Annotated[Labels | None, InferredMark()] = None
    """Classes of the folder in the order of its rows; they follow from its ``id2label``."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Logits:
        if self.folder is None:
            raise Mismatch(
                "this head is that of a folder, and none is named",
                help="add `from: FOLDER`, or use head `linear`",
            )
        hidden, target = source["hidden"], source["target"]
        if self.told(flow) is not None:
            folder = flow.folder(self.folder)
            assert folder is not None
            flow.derive("labels", _names(folder.settings, folder.tensors), "the folder's `id2label`")
        match hidden, target:
            case States(), Tokens():
                return Logits(target.vocab, hidden.stride)
            case Vector(), Classes():
                return Logits(target.num, stride=0)
        raise Mismatch(f"a folder's classifier scores classes or tags, and reads {hidden} for {target}")

    def parameters(self, takes: Mapping[str, Type]) -> int | None:
        """Trainable parameters; ``None`` while the classes are unknown."""
        size = self.size(takes)
        hidden: Any = takes["hidden"]
        return size * (hidden.dim + 1) if isinstance(size, int) else None

    def size(self, takes: Mapping[str, Type]) -> Any:
        """Classes, or entries of the tags' vocabulary."""
        target = takes["target"]
        assert isinstance(target, Classes | Tokens)
        return target.num if isinstance(target, Classes) else target.vocab

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As every classifier of transformers names them; all else belongs to other parts."""
        rows = len(self.labels or ())
        hidden: Any = takes["hidden"]
        weights = (
            Weight("weight_VD", ROWS, (rows, hidden.dim), by_label="target"),
            Weight("bias_V", "classifier.bias", (rows,), by_label="target"),
        )
        return Layout(weights, ("",))


def _names(settings: Mapping[str, Any], tensors: Mapping[str, tuple[int, ...]]) -> list[str]:
    """The class of each row; a run that has begun knows the settings of its folder alone.  Raises
    ``Mismatch`` where ``id2label`` is no such mapping.
    """
    held: Any = settings.get("id2label")
    if held is None:  # transformers leaves its own default out
        held = {str(row): f"{UNNAMED}{row}" for row in range(2)}
    names: list[Any] = [held.get(str(row)) for row in range(len(held))] if isinstance(held, dict) else []
    count = tensors.get(ROWS, (0,))[0] if tensors else len(names)
    if len(names) != count or not all(isinstance(name, str) and 0 < len(name) < 1000 for name in names):
        raise Mismatch(
            f"`id2label` of the folder's config.json names {len(names):,} classes, and its classifier has "
            f"{count:,} rows",
            at=("from",),
            help="name a folder with a fine-tuned classifier in it, or use head `linear`",
            code="SQ407",
        )
    if len(set(names)) < count:
        raise Mismatch(
            "`id2label` of the folder's config.json gives two classes one name",
            at=("from",),
            help="give each a name of its own",
            code="SQ407",
        )
    return names
