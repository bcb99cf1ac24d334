"""An encoder that reads the source whole and a decoder that writes the target one token after another."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch, Replacement
from seqspec.schema.hugging_face_folder import Layout
from seqspec.schema.layers.tying import check_tied_source, check_tied_target
from seqspec.schema.model._embed import embed
from seqspec.schema.model._outputs import Heads, outputs_of, wire_heads
from seqspec.schema.pretrained import HoldsHead, Pretrained, placed
from seqspec.schema.slot import Slot
from seqspec.schema.types import Logits, Outputs, Poison, Tokens, Type
from seqspec.schema.units import Count, Later

FOLLOWING = ("num_heads", "feed_forward_dim", "dropout", "input_dropout")
"""Fields that a decoder takes from its encoder where it leaves them out and the encoder has them."""


class EncoderDecoderConfig(Pretrained):
    """Sequence to sequence: Sutskever et al. (2014), Bahdanau et al. (2015), Vaswani et al. (2017)."""

    usual_metric: ClassVar[str] = "chrf"
    retired: ClassVar[dict[str, object]] = {"ctc_weight": 0.0, "ctc_head": None}

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
    tie: Literal["none", "target", "all", "embeddings"] = "none"
    """Share one table between target embedding and softmax, among those and the source embedding (``all``),
    or between the two embeddings alone (``embeddings``).
    """
    source_end: Annotated[bool, Later] = False
    """Put an end behind each source text, as many pre-trained models want it."""
    task_vectors: Count = 0
    """Rows of a table of task vectors (Tensor2Tensor's target spaces), one of which is added to every encoder
    input.
    """
    task: Count = 0
    """The row of the task that this experiment trains."""
    command: Annotated[Count | None, Later] = None
    """The command token with which the target begins, a row of the target embedding's commands; left out,
    the target begins with the begin symbol.
    """
    outputs: Annotated[Heads | None, Later] = None
    """Further outputs by name, each a head on the states of the part that its ``on`` names: CTC on the
    encoder, Kim et al. (2017), arXiv:1609.06773.
    """

    @property
    def num_tied(self) -> int:
        """Tables that are the target's embedding once more."""
        return {"none": 0, "target": 1, "embeddings": 1, "all": 2}[self.tie]

    @property
    def has_more_weights(self) -> bool:
        """Whether it has weights beside those of its parts, or more heads than one."""
        return bool(self.task_vectors or self.outputs)

    @classmethod
    def replacement(cls, key: str, value: object) -> Replacement:
        """How CTC beside attention is written now."""
        weight = value if isinstance(value, float) and key == "ctc_weight" else None
        if weight == 0:
            return Replacement("take it out: it says what holds without it")
        told = 0.3 if weight is None else weight
        here, term = (
            "outputs: {ctc: {type: linear, on: encoder}}",
            f"ctc: {{type: ctc, on: ctc, weight: {told:g}}}",
        )
        rest = float(f"{1 - told:.12g}")
        help = f"write `{here}`, and `losses:` with your loss (`on: tokens, weight: {rest:g}`) and `{term}`"
        return Replacement(help, None if weight is None else here, term, rest)

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``source`` and ``target`` to ``tokens``, logits over the target's vocabulary."""
        if "target" not in source:
            raise Mismatch("an encoder and decoder need a source and a target, and the corpus has no target")
        target = source["target"]
        if not isinstance(target, Tokens | Poison):
            raise Mismatch(f"an encoder and decoder write tokens, and the target is {target}")
        if self.source_end and not isinstance(source["source"], Tokens | Poison):
            raise Mismatch(f"only text has an end, and the source is {source['source']}", at=("source_end",))
        handed = self._folder(flow)
        states = flow.node("encoder", embed(self, source["source"], flow), **handed)
        follows: dict[str, object] = {
            name: (value, "as in the encoder") for name, value in self._following().items()
        }
        follows |= handed
        hidden = flow.node("decoder", {"target": target, "memory": states}, **follows)
        self._check_command()
        more = self._wire_heads(states, source, flow)
        if self.task and self.task >= self.task_vectors:
            raise Mismatch(
                f"task {self.task} has no row among {self.task_vectors} task vectors", at=("task",)
            )
        logits = flow.node("head", {"hidden": hidden, "target": target})
        if self.tie in ("target", "all"):
            check_tied_target(self.decoder, hidden=hidden, logits=logits)
        if self.tie in ("all", "embeddings"):
            check_tied_source(source["source"], target)
        if isinstance(logits, Logits) and any(isinstance(type_, Logits) for type_ in more.values()):
            logits = replace(logits, ctc=True)
        return outputs_of(("tokens", logits), self, ("encoder", "decoder"), more)

    def _folder(self, flow: Flow) -> dict[str, object]:
        """What encoder and decoder are told where the whole model comes from a folder.  Raises
        ``Mismatch``.
        """
        if self.folder is None:
            self.told(flow)  # refuses what has no meaning without a folder
            return {}
        if not isinstance(self.encoder, Pretrained):
            raise Mismatch(
                f"encoder `{self.encoder.component[1]}` is not read from folders",
                at=("from",),
                help="take `from` out, or choose an encoder that is",
            )
        handed = self.handed_down(flow, "decoder", untied=self.tie in ("none", "embeddings"))
        folder = flow.folder(self.folder)
        offsets = folder is not None and "final_logits_bias" in folder.tensors
        if offsets and not getattr(self.head, "bias", True):
            raise Mismatch(
                "the folder's softmax has offsets, which this head would lose",
                at=("head",),
                help="set `bias: true`",
            )
        return handed

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """The head; encoder and decoder have layouts of their own."""
        assert isinstance(self.decoder, HoldsHead)
        held = self.decoder.head_layout()
        bias, tied = bool(getattr(self.head, "bias", False)), self.tie in ("target", "all")
        left_out = {"weight_VD": tied, "bias_V": not bias}
        weights = tuple(weight for weight in held.weights if not left_out.get(weight.here))
        if not weights and not bias:
            return Layout((), ("",))
        return placed(held._replace(weights=weights or held.weights[:1]), "head", bias=bias)

    def _wire_heads(self, states: Type, source: Mapping[str, Type], flow: Flow) -> dict[str, Type]:
        if self.outputs and isinstance(source["source"], Tokens):
            raise Mismatch(
                "CTC needs frames that outnumber the target, and the source is text", at=("outputs",)
            )
        target = source["target"]
        return wire_heads(self.outputs, flow, main="tokens", states={"encoder": states}, target=target)

    def _check_command(self) -> None:
        rows: int = getattr(getattr(self.decoder, "embedding", None), "commands", 0)
        if self.command is None and rows:
            message = f"the target's embedding has {rows} command tokens, and the model begins with none"
            raise Mismatch(message, help=f"set `command` to a row from 0 to {rows - 1}")
        if self.command is not None and self.command >= rows:
            has = f"{rows} command tokens" if rows else "no command tokens"
            message = f"command {self.command} has no row: the target's embedding has {has}"
            help = f"write at most {rows - 1}" if rows else "use an embedding such as `command_lookup`"
            raise Mismatch(message, at=("command",), help=help)

    def _following(self) -> dict[str, object]:
        given = {name: getattr(self.encoder, name, None) for name in FOLLOWING}
        return {
            name: value
            for name, value in given.items()
            if value is not None and getattr(self.decoder, name, value) is None
        }
