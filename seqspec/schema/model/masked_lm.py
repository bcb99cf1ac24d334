"""An encoder that learns to fill in tokens that were hidden: Devlin et al. (2019), "BERT", section 3.1."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._embed import embed
from seqspec.schema.model._outputs import outputs_of
from seqspec.schema.slot import Slot
from seqspec.schema.types import Logits, Nothing, Outputs, Poison, States, Tokens, Type
from seqspec.schema.units import Fraction


class MaskedLmConfig(Config):
    """Learns from text without labels; what it learned begins another run by ``initialize``.

    A hidden token is shown as the unknown one, id 1.  The sum of the loss is divided by all tokens of a
    batch, hidden or not.
    """

    embedding: Annotated[Config | None, Slot("embedding")] = None
    """How ids become the vectors that the encoder reads; left out, they are looked up."""
    encoder: Annotated[Config, Slot("encoder")]
    """Reads the text with its hidden tokens."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the vocabulary at each hidden token."""
    tie: Literal["none", "target"] = "none"
    """Share one table between embedding and softmax."""
    rate: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of a text's tokens that are to be filled in; at least one of each text is."""
    shown: Fraction = 0.1
    """Share of these that stay as they are, so that every state must tell its token."""
    exchanged: Fraction = 0.1
    """Share of these in whose place another token of the vocabulary stands."""

    usual_metric: ClassVar[str] = "perplexity"

    @property
    def num_tied(self) -> int:
        """Tables that are the target's embedding once more."""
        return {"none": 0, "target": 1}[self.tie]

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """The ``target`` to ``tokens``, logits over its vocabulary where a token is hidden."""
        if self.shown + self.exchanged > 1:
            raise Mismatch("`shown` and `exchanged` are more than all", at=("shown",))
        if "target" not in source or not isinstance(source.get("source", Nothing()), Nothing | Poison):
            raise Mismatch(
                "a masked language model learns plain text, and this corpus has a source and a target",
                help="use an adapter of plain text, such as `lines`",
            )
        target = source["target"]
        if not isinstance(target, Tokens | Poison):
            raise Mismatch(f"a masked language model fills in tokens, and the target is {target}")
        own: dict[str, Any] = {}
        if hasattr(self.encoder, "reads"):
            own["reads"] = ("target", "the text that is learned")
        states = flow.node("encoder", embed(self, target, flow), **own)
        if not isinstance(states, States | Poison) or getattr(states, "stride", 1) != 1:
            raise Mismatch(
                f"each token needs a state of its own, and the encoder gives {states}", at=("encoder",)
            )
        if getattr(states, "causal", False):
            raise Mismatch("this encoder sees nothing after a token: use a `language_model`", at=("encoder",))
        logits = flow.node("head", {"hidden": states, "target": target})
        if self.tie != "none":
            self._check_tie(states, logits)
        if isinstance(logits, Logits):
            logits = replace(logits, ends=False)
        return outputs_of(("tokens", logits), self, ("encoder",))

    def _check_tie(self, states: Type, logits: Type) -> None:
        width = getattr(self.embedding, "dim", None)
        if isinstance(logits, Logits) and logits.factored:
            raise Mismatch("an adaptive softmax has no table that an embedding could share", at=("tie",))
        if isinstance(states, States) and width not in (None, states.dim):
            message = f"the softmax reads {states.dim} features, and the embedding has {width}"
            raise Mismatch(message, at=("tie",), help="set `tie: none`")
