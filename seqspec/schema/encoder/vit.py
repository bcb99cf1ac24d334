"""The vision transformer as folders hold it: Dosovitskiy et al. (2021), "An Image is Worth 16x16 Words:
Transformers for Image Recognition at Scale", arXiv:2010.11929.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Annotated, Any, ClassVar, Literal

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.hugging_face_folder import HeadForm, Layout, Weight, affine
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.layers.transformer import TransformerLayers
from seqspec.schema.pretrained import Pretrained, Settings
from seqspec.schema.types import Image, Type, Vector
from seqspec.schema.units import Dim, InferredMark, Layers, Positive, PositiveFloat, Probability

_ACTIVATIONS: dict[str, Any] = {"gelu": "gelu", "gelu_new": "gelu_tanh", "relu": "relu", "silu": "silu"}
_USUAL: dict[str, object] = {
    "num_layers": 12, "dim": 768, "num_heads": 12, "feed_forward_dim": 3072, "patch": 16,
    "activation": "gelu", "norm_epsilon": 1e-12,
}  # fmt: skip
"""ViT-B/16."""


class VitConfig(Pretrained):
    """Pre-norm layers with biases over patches and one vector beside them, whose last state stands for the
    image; read from folders of model type ``vit``.
    """

    model_types: ClassVar[tuple[str, ...]] = ("vit",)

    num_layers: Annotated[Layers | None, InferredMark()] = None
    """Layers; left out, 12."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width, in features; left out, 768."""
    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Attention heads, which must divide ``dim``; left out, 12."""
    feed_forward_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of the feed-forward network; left out, 3,072."""
    patch: Annotated[Positive | None, InferredMark()] = None
    """Height and width of a patch, in pixels; left out, 16."""
    activation: Annotated[Literal["gelu", "gelu_tanh", "relu", "silu"] | None, InferredMark()] = None
    """Activation of the feed-forward network; left out, ``gelu``."""
    norm_epsilon: Annotated[PositiveFloat | None, InferredMark()] = None
    """What is added to the variance; left out, 1e-12."""
    dropout: Probability = 0.0
    """Rate of dropout on the input and on the output of each sublayer."""
    attention_dropout: Probability = 0.0
    """Rate of dropout on attention probabilities."""

    def wire(self, source: Type, flow: Flow) -> Vector:
        if not isinstance(source, Image):
            raise Mismatch(f"ViT reads images, and this is {source}")
        settings = self.told(flow)
        told = None if settings is None else _sizes(settings, source)
        sized = self.settle_sizes(flow, told, _USUAL)
        if source.height % sized.patch or source.width % sized.patch:
            raise Mismatch(
                f"{source.height} × {source.width} pixels are no whole number of patches of {sized.patch}",
                help="let the adapter give images of another size",
            )
        require_shares(sized.dim, sized.num_heads)
        return Vector(sized.dim)

    def stack(self) -> TransformerLayers:
        """The same layers as a Transformer's."""
        return TransformerLayers(
            num_layers=self.num_layers or 1, num_heads=self.num_heads, feed_forward_dim=self.feed_forward_dim,
            activation=self.activation or "gelu", norm="pre", norm_epsilon=self.norm_epsilon or 1e-12,
            positions="none", dropout=self.dropout, input_dropout=self.dropout,
            attention_dropout=self.attention_dropout,
        )  # fmt: skip

    def places(self, source: Image) -> int:
        """Patches, and the one vector beside them."""
        patch = self.patch or 16
        return (source.height // patch) * (source.width // patch) + 1

    def uses(self, source: Image) -> int:
        """How often weights are used for one image."""
        dim, inner, patch = self.dim or 0, self.feed_forward_dim or 0, self.patch or 16
        layer = 4 * dim**2 + 2 * dim * inner + 2 * self.places(source) * dim
        patches = source.channels * patch**2 * dim
        return self.places(source) * ((self.num_layers or 0) * layer + patches)

    def kept(self, source: Image) -> int:
        """Numbers that one image leaves for the backward pass."""
        each = 9 * (self.dim or 0) + 2 * (self.feed_forward_dim or 0)
        return self.places(source) * (self.num_layers or 0) * each

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        return sum(prod(n or 0 for n in weight.shape) for weight in self.layout(takes).weights)

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers' ``ViTModel`` names them; without the images' type places are unsaid."""
        source = takes.get("source")
        places = self.places(source) if isinstance(source, Image) else None
        channels = source.channels if isinstance(source, Image) else None
        dim, patch = self.dim or 0, self.patch
        at = "embeddings."
        weights = [
            Weight("whole_11D", f"{at}cls_token", (1, 1, dim)),
            Weight("positions_1PD", f"{at}position_embeddings", (1, places, dim)),
            Weight(
                "patches.weight", f"{at}patch_embeddings.projection.weight", (dim, channels, patch, patch)
            ),
            Weight("patches.bias", f"{at}patch_embeddings.projection.bias", (dim,)),
        ]
        for layer in range(self.num_layers or 0):
            weights += self._layer(f"layers.{layer}.", f"encoder.layer.{layer}.")
        weights += _norm("norm", "layernorm", dim)
        others = ("classifier.", "decoder.", "pooler.", "vit.pooler.")
        return Layout(tuple(weights), others, ("embeddings.mask_token",), prefix="vit.")

    def _layer(self, ours: str, theirs: str) -> Iterator[Weight]:
        dim, inner = self.dim or 0, self.feed_forward_dim or 0
        yield from _norm(f"{ours}self_residual.norm", f"{theirs}layernorm_before", dim)
        for name in ("query", "key", "value"):
            yield from affine(f"{ours}self_attention.{name}", f"{theirs}attention.attention.{name}", dim, dim)
        yield from affine(f"{ours}self_attention.output", f"{theirs}attention.output.dense", dim, dim)
        yield from _norm(f"{ours}feed_forward_residual.norm", f"{theirs}layernorm_after", dim)
        yield from affine(f"{ours}feed_forward.expand", f"{theirs}intermediate.dense", dim, inner)
        yield from affine(f"{ours}feed_forward.contract", f"{theirs}output.dense", inner, dim)

    def head_forms(self) -> Mapping[str, HeadForm]:
        """What transformers calls this encoder with a head."""
        return {"classes": HeadForm("ViTForImageClassification", "classifier.", prefix="vit.")}

    def write_settings(self, reads: Type | None = None) -> dict[str, Any]:
        """config.json of the same model for images of type ``reads``."""
        names = {ours: theirs for theirs, ours in reversed(list(_ACTIVATIONS.items()))}
        told: dict[str, Any] = {
            "model_type": "vit", "num_hidden_layers": self.num_layers, "hidden_size": self.dim,
            "num_attention_heads": self.num_heads, "intermediate_size": self.feed_forward_dim,
            "patch_size": self.patch, "hidden_act": names[self.activation or "gelu"],
            "layer_norm_eps": self.norm_epsilon, "hidden_dropout_prob": self.dropout,
            "attention_probs_dropout_prob": self.attention_dropout, "qkv_bias": True,
        }  # fmt: skip
        if isinstance(reads, Image):
            size = reads.height if reads.height == reads.width else [reads.height, reads.width]
            told |= {"image_size": size, "num_channels": reads.channels}
        return told


def _norm(here: str, there: str, dim: int) -> Iterator[Weight]:
    yield Weight(f"{here}.weight", f"{there}.weight", (dim,))
    yield Weight(f"{here}.bias", f"{there}.bias", (dim,))


def _sizes(settings: Settings, source: Image) -> dict[str, object]:
    """Our fields from config.json.  Raises ``Mismatch``."""
    if not settings.flag("qkv_bias", True):
        raise Mismatch("the folder's attention has no biases, which this encoder has", at=("from",))
    wanted = settings.held.get("image_size", 224)
    height, width = wanted if isinstance(wanted, list) and len(wanted) == 2 else (wanted, wanted)
    channels = settings.integer("num_channels", 3)
    if (channels, height, width) != (source.channels, source.height, source.width):
        raise Mismatch(
            f"the folder reads {channels} channels of {height} × {width} pixels, and the corpus gives "
            f"{source.channels} of {source.height} × {source.width}",
            at=("from",),
            help="let the adapter give images of that size",
        )
    return {
        "num_layers": settings.integer("num_hidden_layers", most=10_000),
        "dim": settings.integer("hidden_size", most=1_048_576),
        "num_heads": settings.integer("num_attention_heads", most=65_536),
        "feed_forward_dim": settings.integer("intermediate_size", most=1_048_576),
        "patch": settings.integer("patch_size", 16, most=65_536),
        "activation": settings.one_of("hidden_act", _ACTIVATIONS, "gelu"),
        "norm_epsilon": settings.number("layer_norm_eps", 1e-12),
    }
