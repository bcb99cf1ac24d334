"""The decoder of GPT-2: Radford et al. (2019), "Language Models are Unsupervised Multitask Learners"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.hugging_face_folder import Layout, Weight
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.layers.transformer import TransformerLayers
from seqspec.schema.pretrained import Pretrained, Settings
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, States, Tokens, Type
from seqspec.schema.units import Dim, InferredMark, Layers, Positive, PositiveFloat, Probability

_ACTIVATIONS: dict[str, Any] = {
    "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu", "relu": "relu", "silu": "silu",
}  # fmt: skip
_USUAL = {
    "num_layers": 12, "dim": 768, "max_positions": 1024, "activation": "gelu_tanh", "norm_epsilon": 1e-5,
}  # fmt: skip


class Gpt2Config(Pretrained):
    """Pre-norm layers with biases, learned positions and a table that the softmax usually shares; without an
    encoder.
    """

    model_types: ClassVar[tuple[str, ...]] = ("gpt2",)
    positions: ClassVar[str] = "learned"

    num_layers: Annotated[Layers | None, InferredMark()] = None
    """Layers of the stack; left out, 12."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, 768."""
    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Attention heads; left out, one for every 64 features."""
    feed_forward_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of the feed-forward network; left out, four times ``dim``."""
    max_positions: Annotated[Positive | None, InferredMark()] = None
    """Longest input, in positions; left out, 1,024."""
    activation: Annotated[Literal["gelu", "gelu_tanh", "relu", "silu"] | None, InferredMark()] = None
    """Activation of the feed-forward network; left out, `gelu_tanh`."""
    norm_epsilon: Annotated[PositiveFloat | None, InferredMark()] = None
    """What is added to the variance; left out, 1e-5."""
    dropout: Probability = 0.1
    """Rate of dropout on the input and on the output of each sublayer."""
    attention_dropout: Probability = 0.1
    """Rate of dropout on attention probabilities."""
    embedding: Annotated[Config, Slot("embedding")] = Field(
        default={"type": "lookup", "scale": False, "std": 0.02}, validate_default=True
    )
    """How target ids become vectors; left out, a table that is not scaled."""

    @property
    def attention_layers(self) -> int:
        """Layers that compare every position with every other."""
        return self.num_layers or 0

    def activations(self, *, dim: int, crossed: bool) -> int:
        """Numbers a position that all layers keep for the backward pass."""
        return self.stack().activations(dim=dim, crossed=False)

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory", Nothing())
        if not isinstance(target, Tokens):
            raise Mismatch(f"a GPT-2 decoder gives tokens, and the target is {target}")
        if not isinstance(memory, Nothing):
            help = "use it in a `language_model`, or decoder `transformer`"
            raise Mismatch("a GPT-2 decoder looks at no encoder", help=help)
        settings = self.told(flow)
        told = None if settings is None else _sizes(settings)
        sized = self.settle_sizes(flow, told, _USUAL)
        dim: int = sized.dim
        following = {"num_heads": sized.num_heads or max(1, dim // 64), "feed_forward_dim": 4 * dim}
        sized = sized.settle_sizes(flow, told, following)
        require_shares(dim, sized.num_heads)
        flow.node("embedding", target, dim=(dim, "the decoder's width"))
        self.require_unscaled()
        return States(dim, causal=True)

    def stack(self) -> TransformerLayers:
        """The same layers as a Transformer's."""
        return TransformerLayers(
            num_layers=self.num_layers or 1, num_heads=self.num_heads, feed_forward_dim=self.feed_forward_dim,
            activation=self.activation or "gelu_tanh", norm_epsilon=self.norm_epsilon or 1e-5,
            positions="learned", max_positions=self.max_positions, dropout=self.dropout,
            input_dropout=self.dropout, attention_dropout=self.attention_dropout,
        )  # fmt: skip

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, the embedding's apart."""
        assert self.dim is not None
        return self.stack().stack_parameters(dim=self.dim)

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers' ``GPT2Model`` names them; its matrices lie inputs by outputs."""
        assert self.dim is not None
        weights = [Weight("embedding.weight_VD", "wte.weight", (None, self.dim), by_id="target")]
        weights.append(Weight("entrance.learned", "wpe.weight", (self.max_positions, self.dim)))
        for layer in range(self.num_layers or 0):
            weights += self._layer(f"layers.{layer}.", f"h.{layer}.")
        weights += _affine("norm", "ln_f", (self.dim,))
        return Layout(
            tuple(weights), ("lm_head.",), (".attn.bias", ".attn.masked_bias"), prefix="transformer."
        )

    def head_layout(self) -> Layout:
        """The head that a folder of this kind may hold beside it; a tied one is the table once more."""
        table = ("transformer.wte.weight", "wte.weight")
        head = Weight("weight_VD", "lm_head.weight", (None, self.dim), by_id="target", older=table)
        return Layout((head,), ("",))

    def _layer(self, ours: str, theirs: str) -> Iterator[Weight]:
        assert self.dim is not None
        assert self.feed_forward_dim is not None
        dim, inner = self.dim, self.feed_forward_dim
        yield from _affine(f"{ours}self_residual.norm", f"{theirs}ln_1", (dim,))
        for index, name in enumerate(("query", "key", "value")):
            at = f"{ours}self_attention.{name}"
            yield from _affine(at, f"{theirs}attn.c_attn", (dim, 3 * dim), cut=(index, 3))
        yield from _affine(f"{ours}self_attention.output", f"{theirs}attn.c_proj", (dim, dim))
        yield from _affine(f"{ours}feed_forward_residual.norm", f"{theirs}ln_2", (dim,))
        yield from _affine(f"{ours}feed_forward.expand", f"{theirs}mlp.c_fc", (dim, inner))
        yield from _affine(f"{ours}feed_forward.contract", f"{theirs}mlp.c_proj", (inner, dim))

    def write_settings(self) -> dict[str, Any]:
        """config.json of the same model, without its vocabulary."""
        names = {ours: theirs for theirs, ours in reversed(list(_ACTIVATIONS.items()))}
        return {
            "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": self.num_layers,
            "n_embd": self.dim, "n_head": self.num_heads, "n_inner": self.feed_forward_dim,
            "n_positions": self.max_positions, "activation_function": names[self.activation or "gelu_tanh"],
            "layer_norm_epsilon": self.norm_epsilon, "resid_pdrop": self.dropout, "embd_pdrop": self.dropout,
            "attn_pdrop": self.attention_dropout, "scale_attn_weights": True,
        }  # fmt: skip


def _affine(
    here: str, there: str, shape: tuple[int, ...], *, cut: tuple[int, int] | None = None
) -> Iterator[Weight]:
    yield Weight(f"{here}.weight", f"{there}.weight", shape, transposed=len(shape) > 1, cut=cut)
    yield Weight(f"{here}.bias", f"{there}.bias", shape[-1:], cut=cut)


def _sizes(settings: Settings) -> dict[str, object]:
    """Our fields from config.json.  Raises ``Mismatch``."""
    dim = settings.integer("n_embd", most=1_048_576)
    for name, needed in (("scale_attn_weights", True), ("scale_attn_by_inverse_layer_idx", False),
                         ("add_cross_attention", False)):  # fmt: skip
        if settings.flag(name, needed) is not needed:
            raise Mismatch(f"the folder sets `{name}`, which this decoder does not have", at=("from",))
    return {
        "num_layers": settings.integer("n_layer", most=10_000),
        "dim": dim,
        "num_heads": settings.integer("n_head", most=65_536),
        "feed_forward_dim": settings.integer("n_inner", 4 * dim, most=1_048_576),
        "max_positions": settings.integer("n_positions", most=1 << 24),
        "activation": settings.one_of("activation_function", _ACTIVATIONS, "gelu_new"),
        "norm_epsilon": settings.number("layer_norm_epsilon", 1e-5),
    }
