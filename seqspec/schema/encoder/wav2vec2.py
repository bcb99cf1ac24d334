"""wav2vec 2.0's encoder: Baevski et al. (2020), "wav2vec 2.0: A Framework for Self-Supervised Learning of
Speech Representations", arXiv:2006.11477; XLSR-53 (arXiv:2006.13979), XLS-R (arXiv:2111.09296) and HuBERT
(Hsu et al. 2021, arXiv:2106.07447) have the same layers; WavLM (Chen et al. 2022, arXiv:2110.13900) tells
distances apart in attention as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import prod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.hugging_face_folder import HeadForm, Layout, Weight
from seqspec.schema.layers.transformer import TransformerLayers
from seqspec.schema.pretrained import Pretrained, Settings
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim, InferredMark, Later, Layers, Positive, PositiveFloat, Probability

Even = Annotated[int, Field(ge=4, le=65_536, multiple_of=2)]
"""A number that has two halves."""
Several = Annotated[list[Positive], Field(min_length=1, max_length=32)]
_USUAL: dict[str, object] = {
    "num_layers": 12, "dim": 768, "num_heads": 12, "feed_forward_dim": 3072, "norm": "post",
    "feature_norm": "group", "feature_bias": False, "feature_dims": [512] * 7,
    "feature_kernels": [10, 3, 3, 3, 3, 2, 2], "feature_strides": [5, 2, 2, 2, 2, 2, 2],
    "position_kernel": 128, "position_groups": 16, "norm_epsilon": 1e-5,
}  # fmt: skip
"""wav2vec 2.0 Base, section 4.2 of the paper."""


class Wav2vec2Config(Pretrained):
    """Convolutions over samples, then a Transformer whose places are told apart by a wide convolution.

    Group normalisation takes its statistics over an utterance's own frames, so that what shares a batch
    changes nothing; transformers takes them over the padding too, and agrees where there is none.
    """

    model_types: ClassVar[tuple[str, ...]] = ("wav2vec2", "hubert", "wavlm")

    num_layers: Annotated[Layers | None, InferredMark()] = None
    """Layers of the Transformer; left out, 12."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the Transformer, in features; left out, 768."""
    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Attention heads, which must divide ``dim``; left out, 12."""
    feed_forward_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of the feed-forward network; left out, 3,072."""
    norm: Annotated[Literal["pre", "post"] | None, InferredMark()] = None
    """Layer normalisation before each sublayer (the large models) or after its sum; left out, after."""
    norm_epsilon: Annotated[PositiveFloat | None, InferredMark()] = None
    """What is added to the variance; left out, 1e-5."""
    feature_norm: Annotated[Literal["group", "layer"] | None, InferredMark()] = None
    """Normalise each channel of the first convolution over the utterance, or the channels of every frame of
    all of them; left out, ``group``.
    """
    feature_bias: Annotated[bool | None, InferredMark()] = None
    """Give the convolutions over samples a bias; left out, no."""
    feature_dims: Annotated[Several | None, InferredMark()] = None
    """Channels of each convolution over samples; left out, seven times 512."""
    feature_kernels: Annotated[Several | None, InferredMark()] = None
    """Width of each, in what stands before it; left out, 10, 3, 3, 3, 3, 2 and 2."""
    feature_strides: Annotated[Several | None, InferredMark()] = None
    """How much shorter each makes the sequence; left out, 5 and then 2."""
    position_kernel: Annotated[Positive | None, InferredMark()] = None
    """States that the convolution for places sees; left out, 128."""
    position_groups: Annotated[Positive | None, InferredMark()] = None
    """Groups of its channels; left out, 16."""
    relative_buckets: Annotated[Even | None, InferredMark(), Later] = None
    """Buckets of distances between states, half of them for either side, that attention adds a gated bias
    for (WavLM); left out, none.
    """
    relative_distance: Annotated[Positive | None, InferredMark(), Later] = None
    """States from which on all distances are of one bucket; left out, 800 where there are buckets."""
    train_features: bool = False
    """Let the convolutions over samples learn; fine-tuning leaves them as they are (section 4.3)."""
    dropout: Probability = 0.1
    """Rate of dropout on the input of the layers and on the output of each sublayer."""
    attention_dropout: Probability = 0.1
    """Rate of dropout on attention probabilities."""
    feed_forward_dropout: Probability = 0.0
    """Rate of dropout inside the feed-forward network."""
    feature_dropout: Probability = 0.0
    """Rate of dropout on what the convolutions over samples give, after its projection."""
    output_dropout: Probability = 0.0
    """Rate of dropout on the states that are given."""
    time_mask: Probability = 0.0
    """Share of the states that masks would cover if none overlapped; a learned vector stands in their place.
    """
    time_mask_length: Positive = 10
    """States of one mask."""
    channel_mask: Probability = 0.0
    """Share of the features that masks would cover if none overlapped; zeros stand in their place."""
    channel_mask_length: Positive = 64
    """Features of one mask."""

    @property
    def attention_layers(self) -> int:
        """Layers that compare every state with every other."""
        return self.num_layers or 0

    def activations(self, *, dim: int, crossed: bool) -> int:
        """Numbers a state that the Transformer keeps for the backward pass."""
        return self.stack().activations(dim=dim, crossed=False)

    @property
    def latent_dim(self) -> int:
        """Channels of what the convolutions give, which a model without labels quantises."""
        return self._last

    @property
    def stride(self) -> int:
        """Samples a state."""
        return prod(self.feature_strides or [1])

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Frames) or source.dim != 1:
            raise Mismatch(
                f"wav2vec 2.0 reads samples, and this is {source}",
                help="set `data.audio.features: {type: samples}` and `data.audio.normalize: none`",
            )
        settings = self.told(flow)
        sized: Wav2vec2Config = self.settle_sizes(
            flow, None if settings is None else _sizes(settings), _USUAL
        )
        if sized.relative_buckets is not None:
            sized = sized.settle_sizes(flow, None, {"relative_distance": 800})
        sized.check_sizes()
        assert sized.dim is not None
        rate = Fraction(source.rate, sized.stride)
        plain = rate.numerator if rate.denominator == 1 else rate
        return States(sized.dim, stride=sized.stride, rate=plain)

    def check_sizes(self) -> None:
        """Raises ``Mismatch`` where the numbers do not fit together."""
        assert self.dim is not None
        assert self.num_heads is not None
        assert self.position_groups is not None
        for field, count in (("num_heads", self.num_heads), ("position_groups", self.position_groups)):
            if self.dim % count:
                raise Mismatch(f"`{field}` of {count} does not divide a width of {self.dim}", at=(field,))
        count = len(self.feature_dims or ())
        for field in ("feature_kernels", "feature_strides"):
            if len(getattr(self, field)) != count:
                message = f"{len(getattr(self, field))} numbers for {count} convolutions"
                raise Mismatch(message, at=(field,), help="give one for each of `feature_dims`")
        if self.relative_distance is not None and self.relative_distance * 4 <= (self.relative_buckets or 0):
            raise Mismatch(
                f"{self.relative_buckets} buckets reach further than {self.relative_distance} states",
                at=("relative_distance",),
                help=f"set more than {(self.relative_buckets or 0) // 4}, or take it out",
            )
        if self.channel_mask and self.channel_mask_length > self.dim:
            raise Mismatch("a mask is wider than the features", at=("channel_mask_length",))

    def stack(self) -> TransformerLayers:
        """The Transformer's layers."""
        return TransformerLayers(
            num_layers=self.num_layers or 1, num_heads=self.num_heads, feed_forward_dim=self.feed_forward_dim,
            activation="gelu", norm=self.norm or "post", norm_epsilon=self.norm_epsilon or 1e-5,
            positions="none", dropout=self.dropout, input_dropout=self.dropout,
            attention_dropout=self.attention_dropout, feed_forward_dropout=self.feed_forward_dropout,
        )  # fmt: skip

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        return sum(
            prod(n or 0 for n in weight.shape)
            for weight in self.layout({}).weights
            if self.train_features or not weight.here.startswith("features.")
        )

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers' ``Wav2Vec2Model``, ``HubertModel`` and ``WavLMModel`` name them."""
        assert self.dim is not None
        weights = [
            *self._features(),
            *_affine("projection_norm", "feature_projection.layer_norm", self._last),
        ]
        weights += _affine("projection", "feature_projection.projection", self._last, self.dim)
        if self.time_mask:
            weights.append(Weight("mask", "masked_spec_embed", (self.dim,)))
        weights += self._positions()
        weights += self._distances()
        weights += _affine("norm", "encoder.layer_norm", self.dim)
        for layer in range(self.num_layers or 0):
            weights += self._layer(f"layers.{layer}.", f"encoder.layers.{layer}.")
        others = ("lm_head.", "quantizer.", "project_q.", "project_hid.", "classifier.", "projector.")
        spare = () if self.time_mask else ("masked_spec_embed",)
        return Layout(tuple(weights), others, spare, prefix="wav2vec2.", prefixes=("hubert.", "wavlm."))

    @property
    def _last(self) -> int:
        return (self.feature_dims or [1])[-1]

    def head_forms(self) -> Mapping[str, HeadForm]:
        """What transformers calls this encoder with a head."""
        kind, prefix = ("WavLM", "wavlm.") if self.relative_buckets else ("Wav2Vec2", "wav2vec2.")
        return {
            "classes": HeadForm(f"{kind}ForSequenceClassification", "classifier.", prefix=prefix, pools=True),
            "ctc": HeadForm(f"{kind}ForCTC", "lm_head.", prefix=prefix, writes=True),
        }

    def write_settings(self, reads: Type | None = None) -> dict[str, Any]:
        """config.json of the same model."""
        gated = {
            "num_buckets": self.relative_buckets, "max_bucket_distance": self.relative_distance,
        }  # fmt: skip
        return {
            **(gated if self.relative_buckets else {}),
            "model_type": "wavlm" if self.relative_buckets else "wav2vec2",
            "num_hidden_layers": self.num_layers, "hidden_size": self.dim,
            "num_attention_heads": self.num_heads, "intermediate_size": self.feed_forward_dim,
            "do_stable_layer_norm": self.norm == "pre", "layer_norm_eps": self.norm_epsilon,
            "feat_extract_norm": self.feature_norm, "conv_bias": self.feature_bias,
            "conv_dim": self.feature_dims, "conv_kernel": self.feature_kernels,
            "conv_stride": self.feature_strides, "num_feat_extract_layers": len(self.feature_dims or ()),
            "num_conv_pos_embeddings": self.position_kernel,
            "num_conv_pos_embedding_groups": self.position_groups, "hidden_act": "gelu",
            "feat_extract_activation": "gelu", "hidden_dropout": self.dropout,
            "attention_dropout": self.attention_dropout, "activation_dropout": self.feed_forward_dropout,
            "feat_proj_dropout": self.feature_dropout, "mask_time_prob": self.time_mask,
            "mask_time_length": self.time_mask_length, "mask_feature_prob": self.channel_mask,
            "mask_feature_length": self.channel_mask_length, "apply_spec_augment": bool(self.time_mask),
        }  # fmt: skip

    def write_preprocessor(self, features: Any, reads: Type) -> dict[str, Any]:
        """preprocessor_config.json of the samples that ``features`` gives."""
        assert isinstance(reads, Frames)
        return {
            "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1,
            "sampling_rate": int(reads.rate), "padding_value": 0.0,
            "do_normalize": getattr(features, "normalize", "none") == "utterance",
            "return_attention_mask": self.feature_norm == "layer",
        }  # fmt: skip

    def _features(self) -> Iterator[Weight]:
        before = 1
        for index, (dim, kernel) in enumerate(
            zip(self.feature_dims or (), self.feature_kernels or (), strict=True)
        ):
            ours, theirs = f"features.{index}.", f"feature_extractor.conv_layers.{index}."
            yield Weight(f"{ours}convolution.weight", f"{theirs}conv.weight", (dim, before, kernel))
            if self.feature_bias:
                yield Weight(f"{ours}convolution.bias", f"{theirs}conv.bias", (dim,))
            if self.feature_norm == "layer" or index == 0:
                yield from _affine(f"{ours}norm", f"{theirs}layer_norm", dim)
            before = dim

    def _positions(self) -> Iterator[Weight]:
        assert self.dim is not None
        assert self.position_kernel is not None
        assert self.position_groups is not None
        at, kernel = "encoder.pos_conv_embed.conv.", self.position_kernel
        yield Weight("positions.bias", f"{at}bias", (self.dim,))
        yield Weight(
            "positions.length",
            f"{at}parametrizations.weight.original0",
            (1, 1, kernel),
            older=(f"{at}weight_g",),
        )
        shape = (self.dim, self.dim // self.position_groups, kernel)
        yield Weight(
            "positions.direction", f"{at}parametrizations.weight.original1", shape, older=(f"{at}weight_v",)
        )

    def _distances(self) -> Iterator[Weight]:
        """The table of distances, which lies with the first layer, and each layer's gates."""
        if not self.relative_buckets:
            return
        heads, width = self.num_heads or 1, (self.dim or 0) // (self.num_heads or 1)
        at = "encoder.layers.{}.attention."
        table = f"{at.format(0)}rel_attn_embed.weight"
        yield Weight("relative.weight", table, (self.relative_buckets, heads))
        for layer in range(self.num_layers or 0):
            ours, theirs = f"layers.{layer}.self_attention.", at.format(layer)
            yield Weight(f"{ours}gate_size", f"{theirs}gru_rel_pos_const", (1, heads, 1, 1))
            yield from _affine(f"{ours}gate", f"{theirs}gru_rel_pos_linear", width, 8)

    def _layer(self, ours: str, theirs: str) -> Iterator[Weight]:
        assert self.dim is not None
        dim, inner = self.dim, self.feed_forward_dim or 0
        for here, there in {
            "query": "q_proj",
            "key": "k_proj",
            "value": "v_proj",
            "output": "out_proj",
        }.items():
            yield from _affine(f"{ours}self_attention.{here}", f"{theirs}attention.{there}", dim, dim)
        yield from _affine(f"{ours}self_residual.norm", f"{theirs}layer_norm", dim)
        yield from _affine(
            f"{ours}feed_forward.expand", f"{theirs}feed_forward.intermediate_dense", dim, inner
        )
        yield from _affine(f"{ours}feed_forward.contract", f"{theirs}feed_forward.output_dense", inner, dim)
        yield from _affine(f"{ours}feed_forward_residual.norm", f"{theirs}final_layer_norm", dim)


def _affine(here: str, there: str, inputs: int, outputs: int | None = None) -> Iterator[Weight]:
    """A linear layer, or a norm where there is one width."""
    shape = (inputs,) if outputs is None else (outputs, inputs)
    yield Weight(f"{here}.weight", f"{there}.weight", shape)
    yield Weight(f"{here}.bias", f"{there}.bias", shape[:1])


def _sizes(settings: Settings) -> dict[str, Any]:
    """Our fields from config.json.  Raises ``Mismatch``."""
    for name in ("hidden_act", "feat_extract_activation"):
        settings.one_of(name, {"gelu": "gelu"}, "gelu")
    if settings.flag("add_adapter") or settings.held.get("adapter_attn_dim") is not None:
        raise Mismatch("the folder has adapters, which this encoder does not have", at=("from",))
    if settings.flag("conv_pos_batch_norm"):
        raise Mismatch("the folder's positions are batch-normalised, which this encoder lacks", at=("from",))
    gated = {}
    if settings.held.get("model_type") == "wavlm":
        gated["relative_buckets"] = settings.integer("num_buckets", 320, most=65_536)
        gated["relative_distance"] = settings.integer("max_bucket_distance", 800)
    return {
        **gated,
        "num_layers": settings.integer("num_hidden_layers", most=10_000),
        "dim": settings.integer("hidden_size", most=1_048_576),
        "num_heads": settings.integer("num_attention_heads", most=65_536),
        "feed_forward_dim": settings.integer("intermediate_size", most=1_048_576),
        "norm": "pre" if settings.flag("do_stable_layer_norm") else "post",
        "norm_epsilon": settings.number("layer_norm_eps", 1e-5),
        "feature_norm": settings.one_of("feat_extract_norm", {"group": "group", "layer": "layer"}, "group"),
        "feature_bias": settings.flag("conv_bias"),
        "feature_dims": settings.integers("conv_dim", _USUAL["feature_dims"]),
        "feature_kernels": settings.integers("conv_kernel", _USUAL["feature_kernels"]),
        "feature_strides": settings.integers("conv_stride", _USUAL["feature_strides"]),
        "position_kernel": settings.integer("num_conv_pos_embeddings", 128, most=65_536),
        "position_groups": settings.integer("num_conv_pos_embedding_groups", 16, most=65_536),
    }
