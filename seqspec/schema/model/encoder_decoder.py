"""An encoder that reads the source whole and a decoder that writes the target one token after another."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.tying import check_tied_source, check_tied_target
from seqspec.schema.model._embed import embed
from seqspec.schema.slot import Slot
from seqspec.schema.types import Logits, Poison, Tokens, Type
from seqspec.schema.units import Count, Probability

FOLLOWING = ("num_heads", "feed_forward_dim", "dropout", "input_dropout")
"""Fields that a decoder takes from its encoder where it leaves them out and the encoder has them."""


class EncoderDecoderConfig(Config):
    """Sequence to sequence: Sutskever et al. (2014), Bahdanau et al. (2015), Vaswani et al. (2017)."""

    embedding: Annotated[Config | None, Slot("embedding")] = None
    """How source ids (or frames) become the vectors that the encoder reads; left out, ids are looked up and
    frames stay.
    """
    encoder: Annotated[Config, Slot("encoder")]
    """Reads the source."""
    decoder: Annotated[Config, Slot("decoder")]
    """Writes the target, seeing what it wrote and the encoder's states."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the target vocabulary."""
    tie: Literal["none", "target", "all"] = "none"
    """Share one table between target embedding and softmax, or among those and the source embedding
    (``all``).
    """
    task_vectors: Count = 0
    """Rows of a table of task vectors (Tensor2Tensor's target spaces), one of which is added to every encoder
    input.
    """
    task: Count = 0
    """The row of the task that this experiment trains."""
    ctc_weight: Probability = 0.0
    """Share of the loss that is CTC on the encoder's states, the decoder has the rest: Kim et al. (2017),
    arXiv:1609.06773.
    """
    ctc_head: Annotated[Config | None, Slot("head")] = None
    """Scores the target vocabulary and a blank at each encoder state, where ``ctc_weight`` is above 0."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Type:
        """``source`` and ``target`` to logits over the target's vocabulary."""
        if "target" not in source:
            raise Mismatch("an encoder and decoder need a source and a target, and the corpus has no target")
        target = source["target"]
        if not isinstance(target, Tokens | Poison):
            raise Mismatch(f"an encoder and decoder write tokens, and the target is {target}")
        states = flow.node("encoder", embed(self, source["source"], flow))
        follows = {name: (value, "as in the encoder") for name, value in self._following().items()}
        hidden = flow.node("decoder", {"target": target, "memory": states}, **follows)
        self._wire_ctc({"hidden": states, "target": target}, source["source"], flow)
        if self.task and self.task >= self.task_vectors:
            raise Mismatch(
                f"task {self.task} has no row among {self.task_vectors} task vectors", at=("task",)
            )
        logits = flow.node("head", {"hidden": hidden, "target": target})
        if self.tie != "none":
            check_tied_target(self.decoder, hidden=hidden, logits=logits)
        if self.tie == "all":
            check_tied_source(source["source"], target)
        return replace(logits, ctc=True) if self.ctc_weight and isinstance(logits, Logits) else logits

    def _wire_ctc(self, takes: Mapping[str, Type], source: Type, flow: Flow) -> None:
        if self.ctc_weight == 0:
            if self.ctc_head is not None:
                raise Mismatch(
                    "a CTC head has no meaning without `ctc_weight`", at=("ctc_head",), help="set both"
                )
            return
        if isinstance(source, Tokens):
            raise Mismatch(
                "CTC needs frames that outnumber the target, and the source is text", at=("ctc_weight",)
            )
        if self.ctc_head is None:
            flow.fill("ctc_head", "linear", "`ctc_weight` needs scores at the encoder's states")
        flow.node("ctc_head", takes)

    def _following(self) -> dict[str, object]:
        given = {name: getattr(self.encoder, name, None) for name in FOLLOWING}
        return {
            name: value
            for name, value in given.items()
            if value is not None and getattr(self.decoder, name, value) is None
        }
