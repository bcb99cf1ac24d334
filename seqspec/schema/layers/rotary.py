"""How rotary positions are stretched to texts that are longer than those a model was trained on."""

from __future__ import annotations

from typing import Any, Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.pretrained import Settings
from seqspec.schema.units import Positive, PositiveFloat

_READS = {
    "linear": {"factor"},
    "llama3": {"factor", "original_length", "low_frequency", "high_frequency"},
    "yarn": {"factor", "original_length", "fast", "slow", "attention_factor"},
}
"""The keys that each method reads."""


class RotaryScaling(Config):
    """A change of the rates at which pairs of features turn."""

    method: Literal["linear", "llama3", "yarn"]
    """Slow all rates down alike (Chen et al. 2023, arXiv:2306.15595), those of long waves only (Llama 3.1,
    Dubey et al. 2024, arXiv:2407.21783), or by a ramp with a sharper softmax (YaRN, Peng et al. 2023,
    arXiv:2309.00071).
    """
    factor: PositiveFloat
    """How many times longer the texts may be."""
    original_length: Positive | None = None
    """Positions that the model was trained on."""
    low_frequency: PositiveFloat | None = None
    """`llama3`: waves longer than ``original_length`` over this are slowed down in full."""
    high_frequency: PositiveFloat | None = None
    """`llama3`: waves shorter than ``original_length`` over this turn as they did."""
    fast: PositiveFloat | None = None
    """`yarn`: pairs that turn more often than this in ``original_length`` are left alone; left out, 32."""
    slow: PositiveFloat | None = None
    """`yarn`: pairs that turn less often than this are slowed down in full; left out, 1."""
    attention_factor: PositiveFloat | None = None
    """`yarn`: what queries and keys are multiplied by; left out, 0.1 · ln(``factor``) + 1."""

    def check(self, *, at: tuple[str, ...]) -> None:
        """Raises ``Mismatch`` where keys and method do not belong together."""
        reads = _READS[self.method]
        written = {name for name in type(self).model_fields if getattr(self, name) is not None} - {"method"}
        if extra := sorted(written - reads):
            raise Mismatch(
                f"method `{self.method}` never reads `{extra[0]}`", at=(*at, extra[0]), help="take it out"
            )
        needed = reads - {"fast", "slow", "attention_factor"}
        if lacking := sorted(needed - written):
            raise Mismatch(f"method `{self.method}` needs `{lacking[0]}`", at=at, help=f"set `{lacking[0]}`")


def scaling_of(rope: Settings) -> RotaryScaling | None:
    """The scaling that a ``rope_parameters`` or ``rope_scaling`` of config.json asks for.

    Raises ``Mismatch`` for a method that cannot be decoded with cached keys, one that is not known, and
    numbers that are none.
    """
    method = rope.held.get("rope_type", rope.held.get("type", "default"))
    if method in (None, "default"):
        return None
    if method not in _READS:
        raise Mismatch(
            f"its rotary positions are scaled by `{str(method)[:60]}`, which this decoder does not have",
            at=("from",),
            help=f"it has {', '.join(f'`{name}`' for name in _READS)}",
        )
    found: dict[str, Any] = {"method": method}
    for ours, theirs in HF_KEYS.items():
        needed = ours not in ("fast", "slow", "attention_factor")
        if ours in _READS[method] and (needed or rope.held.get(theirs) is not None):
            whole = ours == "original_length"
            found[ours] = rope.integer(theirs) if whole else rope.number(theirs)
    return RotaryScaling.model_validate(found)


HF_KEYS = {
    "factor": "factor",
    "original_length": "original_max_position_embeddings",
    "low_frequency": "low_freq_factor",
    "high_frequency": "high_freq_factor",
    "fast": "beta_fast",
    "slow": "beta_slow",
    "attention_factor": "attention_factor",
}
"""What the keys are called in config.json."""
