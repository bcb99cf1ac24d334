"""A decoder alone: the probability of a text, one token after another."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.hugging_face_folder import Layout
from seqspec.schema.layers.tying import check_tied_target
from seqspec.schema.model._outputs import outputs_of
from seqspec.schema.pretrained import HoldsHead, Pretrained, placed
from seqspec.schema.slot import Slot
from seqspec.schema.types import (
    AnswerSpans,
    Auxiliary,
    Counted,
    Logits,
    Nothing,
    Outputs,
    Poison,
    Tokens,
    Type,
)


class LanguageModelConfig(Pretrained):
    """A language model: each token is predicted from those before it."""

    decoder: Annotated[Config, Slot("decoder")]
    """Reads what was written so far."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the vocabulary."""
    usual_metric: ClassVar[str] = "perplexity"
    tie: Literal["none", "target"] = "none"
    """Share one table between embedding and softmax."""

    @property
    def num_tied(self) -> int:
        """Tables that are the target's embedding once more."""
        return {"none": 0, "target": 1}[self.tie]

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """The ``target`` to ``tokens``, logits over its vocabulary; where the corpus says which of its tokens
        are answers, only these are learned.
        """
        if "target" not in source:
            raise Mismatch("a language model learns a target, and the corpus has none")
        if "source" in source and not isinstance(source["source"], Nothing | Poison):
            raise Mismatch(
                f"a language model reads no source, and the corpus gives {source['source']}",
                help="use model `encoder_decoder`, or an adapter of plain text",
            )
        target = source["target"]
        if not isinstance(target, Tokens | Poison):
            raise Mismatch(f"a language model writes tokens, and the target is {target}")
        hidden = flow.node("decoder", {"target": target, "memory": Nothing()}, **self._folder(flow))
        logits = flow.node("head", {"hidden": hidden, "target": target})
        if self.tie != "none":
            check_tied_target(self.decoder, hidden=hidden, logits=logits)
        return _counting_answers(source, outputs_of(("tokens", logits), self, ("decoder",)))

    def _folder(self, flow: Flow) -> dict[str, object]:
        """What the decoder is told where the whole model comes from a folder.  Raises ``Mismatch``."""
        if self.folder is None:
            self.told(flow)  # refuses what has no meaning without a folder
            return {}
        return self.handed_down(flow, "decoder", untied=self.tie == "none")

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """The head; the decoder has a layout of its own."""
        if self.tie != "none":
            return Layout((), ("",))
        assert isinstance(self.decoder, HoldsHead)
        held = self.decoder.head_layout()
        return placed(held, "head", bias=bool(getattr(self.head, "bias", False)))


def _counting_answers(source: Mapping[str, Type], outputs: Outputs) -> Outputs:
    """The outputs, counted by the answers where the corpus says which of the target's tokens are some."""
    answers = next((name for name, type_ in source.items() if isinstance(type_, AnswerSpans)), "")
    if not answers:
        return outputs
    found = dict(outputs)
    for name, type_ in outputs.items():
        if isinstance(type_, Logits):
            found[name] = replace(type_, counted=answers)
        elif isinstance(type_, Auxiliary) and type_.counted is None:
            found[name] = replace(type_, counted=Counted(answers, "tokens"))
    return Outputs(found)
