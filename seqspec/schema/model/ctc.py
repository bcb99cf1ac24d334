"""Connectionist temporal classification: Graves et al. (2006), "Connectionist Temporal Classification:
Labelling Unsegmented Sequence Data with Recurrent Neural Networks", ICML.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._outputs import outputs_of
from seqspec.schema.slot import Slot
from seqspec.schema.types import Logits, Outputs, Poison, Tokens, Type


class CtcConfig(Config):
    """An encoder whose every state scores the target vocabulary; padding's id stands for the blank."""

    encoder: Annotated[Config, Slot("encoder")]
    """Reads the source."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the target vocabulary and the blank at each state."""
    streamed: ClassVar[tuple[str, ...]] = ("encoder",)
    folder_form: ClassVar[str] = "ctc"
    """What a folder in Hugging Face's layout holds of it."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``source`` and ``target`` to ``ctc``, logits at each encoder state."""
        if "target" not in source:
            raise Mismatch("`ctc` learns to write tokens, and the corpus has no target")
        target = source["target"]
        if not isinstance(target, Tokens | Poison):
            raise Mismatch(f"`ctc` learns to write tokens, and the target is {target}")
        if isinstance(source["source"], Tokens):
            raise Mismatch(
                "`ctc` reads frames, and the source is text",
                help="use `type: encoder_decoder`: text has no frames that outnumber the target",
            )
        states = flow.node("encoder", source["source"])
        logits = flow.node("head", {"hidden": states, "target": target})
        logits = replace(logits, blank=True) if isinstance(logits, Logits) else logits
        return outputs_of(("ctc", logits), self, ("encoder",))
