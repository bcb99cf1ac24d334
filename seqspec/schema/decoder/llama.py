"""The decoder of today's language models: Touvron et al. (2023), "LLaMA: Open and Efficient Foundation
Language Models", arXiv:2302.13971; with the settings of Mistral (arXiv:2310.06825), Qwen2 and Qwen3
(arXiv:2505.09388).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.hugging_face_folder import Layout, Weight
from seqspec.schema.layers.rotary import HF_KEYS, RotaryScaling, scaling_of
from seqspec.schema.pretrained import Pretrained, Settings
from seqspec.schema.slot import Slot
from seqspec.schema.types import Nothing, States, Tokens, Type
from seqspec.schema.units import Count, Dim, InferredMark, Layers, Positive, PositiveFloat, Probability

_USUAL = {
    "num_layers": 8,
    "dim": 512,
    "norm_epsilon": 1e-6,
    "rotary_base": 10_000.0,
    "attention_bias": "none",
    "feed_forward_bias": False,
    "query_key_norm": False,
    "full_layers": [],
}


class LlamaConfig(Pretrained):
    """Pre-norm layers with root-mean-square norms, rotary positions, a gated feed-forward network and no
    biases; without an encoder.
    """

    model_types: ClassVar[tuple[str, ...]] = ("llama", "mistral", "qwen2", "qwen3")

    num_layers: Annotated[Layers | None, InferredMark()] = None
    """Layers of the stack; left out, 8."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, 512."""
    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Attention heads; left out, one for every 64 features."""
    num_kv_heads: Annotated[Positive | None, InferredMark()] = None
    """Heads of keys and values, which must divide ``num_heads``; left out, as many."""
    head_dim: Annotated[Dim | None, InferredMark()] = None
    """Width of a head; left out, ``dim`` over ``num_heads``."""
    feed_forward_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of the feed-forward network; left out, 8/3 of ``dim``, rounded up to a multiple of 32."""
    norm_epsilon: Annotated[PositiveFloat | None, InferredMark()] = None
    """What is added to the mean square; left out, 1e-6."""
    query_key_norm: Annotated[bool | None, InferredMark()] = None
    """Normalise each head's queries and keys (Qwen3); left out, no."""
    attention_bias: Annotated[Literal["none", "inputs", "all"] | None, InferredMark()] = None
    """Biases of attention: none, on queries, keys and values (Qwen2), or on the output too; left out, none.
    """
    feed_forward_bias: Annotated[bool | None, InferredMark()] = None
    """Give the feed-forward network biases; left out, no."""
    rotary_base: Annotated[PositiveFloat | None, InferredMark()] = None
    """Longest wave of the rotary positions over 2 pi, in positions; left out, 10,000."""
    rotary_scaling: Annotated[RotaryScaling | None, InferredMark()] = None
    """How rotary positions are stretched to longer texts; left out, not at all."""
    window: Annotated[Positive | None, InferredMark()] = None
    """Newest positions that a position sees, itself among them; left out, all."""
    full_layers: Annotated[list[Count] | None, InferredMark()] = None
    """Layers, from 0, that see everything although there is a ``window``; left out, none."""
    dropout: Probability = 0.0
    """Rate of dropout on the output of each sublayer."""
    attention_dropout: Probability = 0.0
    """Rate of dropout on attention probabilities."""
    std: PositiveFloat = 0.02
    """Standard deviation of the initial values of matrices."""
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
        return (self.num_layers or 0) * (10 * dim + 4 * (self.feed_forward_dim or 0))

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory", Nothing())
        if not isinstance(target, Tokens):
            raise Mismatch(f"a Llama decoder gives tokens, and the target is {target}")
        if not isinstance(memory, Nothing):
            raise Mismatch(
                "a Llama decoder looks at no encoder",
                help="use it in a `language_model`, or decoder `transformer`",
            )
        settings = self.told(flow)
        told = None if settings is None else _sizes(settings)
        sized = self.settle_sizes(flow, told, _USUAL)
        sized = sized.settle_sizes(flow, told, _following(sized))
        sized.check_sizes()
        flow.node("embedding", target, dim=(sized.dim, "the decoder's width"))
        self.require_unscaled()
        return States(sized.dim, causal=True)

    def check_sizes(self) -> None:
        """Raises ``Mismatch`` where the numbers do not fit together."""
        assert self.num_heads and self.num_kv_heads and self.head_dim and self.num_layers is not None  # noqa: PT018
        if self.num_heads % self.num_kv_heads:
            raise Mismatch(
                f"{self.num_kv_heads} heads of keys cannot serve {self.num_heads} heads evenly",
                at=("num_kv_heads",),
                help="choose a number that divides `num_heads`",
            )
        if self.head_dim % 2:
            raise Mismatch(
                f"rotary positions turn pairs of features, and a head has {self.head_dim}",
                at=("num_heads",),
                help="choose a width that gives each head an even number of features",
            )
        if self.rotary_scaling is not None:
            self.rotary_scaling.check(at=("rotary_scaling",))
        if self.full_layers and self.window is None:
            raise Mismatch(
                "without a `window` every layer sees everything", at=("full_layers",), help="take it out"
            )
        for index, layer in enumerate(self.full_layers or ()):
            if layer >= self.num_layers:
                raise Mismatch(
                    f"there is no layer {layer} among {self.num_layers}",
                    at=("full_layers", index),
                    help="layers are counted from 0",
                )

    def window_of(self, layer: int) -> int | None:
        """Positions that a layer sees; ``None`` where it sees all before."""
        return None if layer in (self.full_layers or ()) else self.window

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, the embedding's apart."""
        count = 0
        for weight in self.layout({}).weights:
            size = 1
            for number in weight.shape if not weight.by_id else (0,):
                size *= number or 0
            count += size
        return count

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers' ``LlamaModel`` names them."""
        assert self.dim is not None
        assert self.num_layers is not None
        weights = [Weight("embedding.weight_VD", "embed_tokens.weight", (None, self.dim), by_id="target")]
        for layer in range(self.num_layers):
            weights += self._layer(f"layers.{layer}.")
        weights.append(Weight("norm.weight", "norm.weight", (self.dim,)))
        return Layout(tuple(weights), ("lm_head.",), ("rotary_emb.inv_freq",), prefix="model.")

    def head_layout(self) -> Layout:
        """The head that a folder of this kind holds beside it; a tied one is the table once more."""
        table = ("model.embed_tokens.weight", "embed_tokens.weight")
        head = Weight("weight_VD", "lm_head.weight", (None, self.dim), by_id="target", older=table)
        return Layout((head,), ("",))

    def _layer(self, at: str) -> Iterator[Weight]:
        assert self.dim is not None
        assert self.num_heads is not None
        assert self.num_kv_heads is not None
        assert self.head_dim is not None
        assert self.feed_forward_dim is not None
        dim, inner, wide = self.dim, self.feed_forward_dim, self.num_heads * self.head_dim
        narrow = self.num_kv_heads * self.head_dim
        ours, theirs = f"{at}attention.", f"{at}self_attn."
        sizes = {"query": (wide, dim), "key": (narrow, dim), "value": (narrow, dim), "output": (dim, wide)}
        for name, shape in sizes.items():
            yield Weight(f"{ours}{name}.weight", f"{theirs}{name[0]}_proj.weight", shape)
            if self.attention_bias == "all" or (self.attention_bias == "inputs" and name != "output"):
                yield Weight(f"{ours}{name}.bias", f"{theirs}{name[0]}_proj.bias", shape[:1])
        for name in ("query", "key") if self.query_key_norm else ():
            yield Weight(f"{ours}{name}_norm.weight", f"{theirs}{name[0]}_norm.weight", (self.head_dim,))
        for name, shape in {"gate": (inner, dim), "up": (inner, dim), "down": (dim, inner)}.items():
            yield Weight(f"{at}{name}.weight", f"{at}mlp.{name}_proj.weight", shape)
            if self.feed_forward_bias:
                yield Weight(f"{at}{name}.bias", f"{at}mlp.{name}_proj.bias", shape[:1])
        yield Weight(f"{at}attention_norm.weight", f"{at}input_layernorm.weight", (dim,))
        yield Weight(f"{at}feed_forward_norm.weight", f"{at}post_attention_layernorm.weight", (dim,))

    def write_settings(self) -> dict[str, Any]:
        """config.json of the same model, without its vocabulary."""
        kind, windows = self._kind()
        found: dict[str, Any] = {
            "model_type": kind,
            "architectures": [f"{_CLASSES[kind]}ForCausalLM"],
            "hidden_act": "silu",
            "hidden_size": self.dim,
            "num_hidden_layers": self.num_layers,
            "num_attention_heads": self.num_heads,
            "num_key_value_heads": self.num_kv_heads,
            "head_dim": self.head_dim,
            "intermediate_size": self.feed_forward_dim,
            "rms_norm_eps": self.norm_epsilon,
            "attention_dropout": self.attention_dropout,
            "initializer_range": self.std,
            "rope_theta": self.rotary_base,
            "rope_parameters": self._rope(),
            **windows,
        }
        if kind != "qwen2":
            found |= {"attention_bias": self.attention_bias == "all"}
        return found | ({"mlp_bias": True} if self.feed_forward_bias else {})

    def _rope(self) -> dict[str, Any]:
        if self.rotary_scaling is None:
            return {"rope_type": "default", "rope_theta": self.rotary_base}
        held = self.rotary_scaling
        keys = {
            theirs: getattr(held, ours) for ours, theirs in HF_KEYS.items() if getattr(held, ours) is not None
        }
        return {"rope_type": held.method, "rope_theta": self.rotary_base, **keys}

    def _kind(self) -> tuple[str, dict[str, Any]]:
        """The architecture that computes the same, and how it writes the window.  Raises ``Mismatch``."""
        if self.feed_forward_bias and (self.window or self.query_key_norm or self.attention_bias == "inputs"):
            raise Mismatch("no architecture of transformers has these biases together with the rest")
        layers = [
            "full_attention" if self.window_of(layer) is None else "sliding_attention"
            for layer in range(self.num_layers or 0)
        ]
        if self.query_key_norm or self.attention_bias == "inputs":
            if self.query_key_norm and self.attention_bias == "inputs":
                raise Mismatch("no architecture of transformers has `query_key_norm` with these biases")
            windows = {
                "use_sliding_window": self.window is not None,
                "sliding_window": self.window,
                "layer_types": layers,
                "max_window_layers": self.num_layers if self.window is None else 0,
            }
            return ("qwen3" if self.query_key_norm else "qwen2"), windows
        if self.window is None:
            return "llama", {}
        if self.full_layers or self.attention_bias == "all":
            raise Mismatch("no architecture of transformers has this window without `query_key_norm`")
        return "mistral", {"sliding_window": self.window}


_CLASSES = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3"}


def _following(sized: Any) -> dict[str, object]:
    """Sizes that follow from others where neither the spec nor the folder has them."""
    dim: int = sized.dim
    heads: int = sized.num_heads or _heads(dim)
    return {
        "num_heads": heads,
        "num_kv_heads": sized.num_kv_heads or heads,
        "head_dim": sized.head_dim or max(1, dim // heads),
        "feed_forward_dim": sized.feed_forward_dim or -(-8 * dim // 3 // 32) * 32,
    }


def _heads(dim: int) -> int:
    heads = max(1, dim // 64)
    while dim % heads:
        heads -= 1
    return heads


def _sizes(settings: Settings) -> dict[str, object]:
    """Our fields from config.json.  Raises ``Mismatch``."""
    kind = settings.one_of("model_type", {name: name for name in _CLASSES}, "llama")
    settings.one_of("hidden_act", {"silu": "silu"}, "silu")
    dim = settings.integer("hidden_size", most=1_048_576)
    heads = settings.integer("num_attention_heads", most=65_536)
    biases = {"qwen2": "inputs"}.get(kind) or ("all" if settings.flag("attention_bias") else "none")
    rope = settings.mapping("rope_parameters") or settings.mapping("rope_scaling")
    base = Settings({"rope_theta": rope.get("rope_theta", settings.held.get("rope_theta"))})
    scaling = scaling_of(Settings(rope))
    layers = settings.integer("num_hidden_layers", most=10_000)
    return {
        "num_layers": layers,
        "dim": dim,
        "num_heads": heads,
        "num_kv_heads": settings.integer("num_key_value_heads", heads, most=65_536),
        "head_dim": settings.integer("head_dim", max(1, dim // heads), most=1_048_576),
        "feed_forward_dim": settings.integer("intermediate_size", most=1_048_576),
        "norm_epsilon": settings.number("rms_norm_eps", 1e-6),
        "query_key_norm": kind == "qwen3",
        "attention_bias": biases,
        "feed_forward_bias": settings.flag("mlp_bias"),
        "rotary_base": base.number("rope_theta", 10_000.0),
        "rotary_scaling": scaling,
        **_windows(settings, kind, layers),
    }


def _windows(settings: Settings, kind: str, layers: int) -> dict[str, object]:
    """Which layers see how far."""
    sliding = kind == "mistral" or (kind != "llama" and settings.flag("use_sliding_window"))
    if not sliding or settings.held.get("sliding_window") is None:
        return {"window": None, "full_layers": []}
    window = settings.integer("sliding_window")
    if kind == "mistral":
        return {"window": window, "full_layers": []}
    types = settings.words("layer_types")
    first = settings.integer("max_window_layers", 28) if types is None else 0
    full = [
        layer
        for layer in range(layers)
        if (layer < first if types is None else types[layer : layer + 1] != ("sliding_attention",))
    ]
    return (
        {"window": None, "full_layers": []}
        if len(full) == layers
        else {"window": window, "full_layers": full}
    )
