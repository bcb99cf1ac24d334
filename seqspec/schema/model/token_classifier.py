"""An encoder that reads the source whole, and a tag for each of its words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._embed import embed
from seqspec.schema.model._outputs import outputs_of
from seqspec.schema.slot import Slot
from seqspec.schema.types import Logits, Outputs, Poison, States, Tokens, Type, WordStarts

STARTS = "word_starts"
"""The field that says at which of the source's ids each word begins."""


class TokenClassifierConfig(Config):
    """Learns the tag of each word from the state of the word's first piece: Devlin et al. (2019), "BERT",
    section 5.3.
    """

    embedding: Annotated[Config | None, Slot("embedding")] = None
    """How source ids become the vectors that the encoder reads; left out, they are looked up."""
    encoder: Annotated[Config, Slot("encoder")]
    """Reads the source."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the tags."""

    usual_metric: ClassVar[str] = "span_f1"
    folder_form: ClassVar[str] = "tokens"
    """What a folder in Hugging Face's layout holds of it."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``source``, ``target`` and ``word_starts`` to ``tags``, logits over the target's vocabulary."""
        if STARTS not in source or "source" not in source:
            raise Mismatch(
                "a token classifier tags words, and the corpus does not say where they begin",
                help="use adapter `conll`; for one label a text, use model `classifier`",
            )
        target = source.get("target")
        if not isinstance(target, Tokens | Poison):
            raise Mismatch(f"a token classifier writes a tag a word, and the target is {target}")
        if not isinstance(source[STARTS], WordStarts | Poison):
            raise Mismatch(f"`{STARTS}` is {source[STARTS]}, and places of words are expected")
        states = flow.node("encoder", embed(self, source["source"], flow))
        if not isinstance(states, States | Poison) or getattr(states, "stride", 1) != 1:
            raise Mismatch(
                f"each id of the source needs a state of its own, and the encoder gives {states}",
                at=("encoder",),
                help="choose an encoder that keeps every position",
            )
        logits = flow.node("head", {"hidden": states, "target": target})
        if isinstance(logits, Logits):
            if logits.factored:
                raise Mismatch("tags are few: an adaptive softmax has no use here", at=("head",))
            logits = replace(logits, ends=False)
        return outputs_of(("tags", logits), self, ("encoder",))
