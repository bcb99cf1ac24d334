"""Which architecture of Hugging Face's layout a Transformer encoder with a Transformer decoder is, if any."""

from __future__ import annotations

from typing import Any

from seqspec.schema.config import Mismatch
from seqspec.schema.decoder._shape import told
from seqspec.schema.hugging_face_folder import Layout, PairForm

_NEEDED = {
    "norm": "pre", "norm_type": "layer", "positions": "sinusoidal", "final_norm": True,
    "feed_forward_kernel": 1, "per_dim_scale": False, "feed_forward": None, "self_attention": None,
}  # fmt: skip
_ACTIVATIONS = ("relu", "gelu", "gelu_tanh", "silu")
_POSITIONS = 1024


def pegasus_of(encoder: Any, decoder: Any) -> PairForm:
    """The two as a Pegasus, whose own sinusoids our table overrides.  Raises ``Mismatch`` where none computes
    the same.
    """
    from seqspec.schema.decoder.marian import MarianConfig as Decoder
    from seqspec.schema.encoder.marian import MarianConfig as Encoder

    if encoder.component[1] != decoder.component[1]:
        raise Mismatch(f"its encoder is of another kind: `{encoder.component[1]}`")
    for name, config in (("encoder", encoder), ("decoder", decoder)):
        away = [
            f"`{name}.{field}` is {told(getattr(config, field))} and not {told(value)}"
            for field, value in _NEEDED.items()
            if getattr(config, field) != value
        ]
        if away or config.activation not in _ACTIVATIONS:
            raise Mismatch(
                f"no architecture computes the same: {', '.join(away) or f'the activation of the {name}'}",
                help="a Pegasus has norms first, `norm_type: layer`, sinusoids and no gates",
            )
    sides = (_twin(Encoder, encoder, decoder), _twin(Decoder, decoder, decoder))
    form: PairForm = sides[1].pair_form(sides[0])
    held = [
        layout._replace(weights=tuple(w for w in layout.weights if _has(w.here, config)))
        for layout, config in ((_outside(form.encoder), encoder), (form.decoder, decoder))
    ]
    zeros = {
        weight.there: int(weight.shape[0] or 0)
        for layout, config in ((form.encoder, encoder), (form.decoder, decoder))
        for weight in layout.weights
        if not _has(weight.here, config)
    }
    return form._replace(encoder=held[0], decoder=held[1], zeros=zeros)


def _twin(cls: Any, config: Any, decoder: Any) -> Any:
    """The stack of a Pegasus that computes what ``config`` says."""
    return cls.model_construct(
        num_layers=config.num_layers, dim=decoder.dim, num_heads=config.num_heads,
        feed_forward_dim=config.feed_forward_dim, activation=config.activation, norm="pre",
        max_positions=_POSITIONS, rates="half_less_one", first_position=0, stored_positions=False,
        dropout=config.dropout or 0.0, attention_dropout=config.attention_dropout,
        feed_forward_dropout=config.feed_forward_dropout, embedding=decoder.embedding, reads="target",
    )  # fmt: skip


def _outside(layout: Layout) -> Layout:
    """The source's table stands beside the encoder."""
    return layout._replace(weights=tuple(w for w in layout.weights if not w.here.startswith("embedding.")))


def _has(here: str, config: Any) -> bool:
    """Whether the layer has the offsets of this name."""
    if not here.endswith(".bias"):
        return True
    if "_attention." in here:
        return bool(config.bias)
    return bool(config.feed_forward_bias) if ".feed_forward." in here else True
