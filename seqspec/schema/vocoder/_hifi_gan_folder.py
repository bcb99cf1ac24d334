"""What the config.json of a HiFi-GAN says: the authors' own, or that of transformers' ``SpeechT5HifiGan``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqspec.schema.config import Mismatch
from seqspec.schema.mel_scale import MelScale
from seqspec.schema.pretrained import BAD_SETTING, Settings

SLOPE = 0.1
"""Of leaky ReLUs; another one cannot be said."""
SOUND = {
    "sampling_rate": "rate",
    "n_fft": "fft",
    "win_size": "window",
    "hop_size": "hop",
    "fmin": "low",
    "fmax": "high",
}
"""Their words for how the frames were made, and ours."""


def own_sizes(held: Mapping[str, Any]) -> dict[str, object]:
    """The sizes by the names of our fields.  Raises ``Mismatch`` where one cannot be understood."""
    settings = Settings(held)
    return {
        "channels": settings.integer("upsample_initial_channel", most=1_048_576),
        "upsample_rates": settings.integers("upsample_rates", None),
        "upsample_kernels": settings.integers("upsample_kernel_sizes", None),
        "block": settings.one_of("resblock", {"1": "1", "2": "2"}, "1"),
        "block_kernels": settings.integers("resblock_kernel_sizes", None),
        "block_dilations": _dilations(held),
    }


def require_frames(held: Mapping[str, Any], mel: MelScale, bins: int) -> None:
    """Raises ``Mismatch`` where the generator was trained on frames of another kind, or reads them in a way
    that ours does not.
    """
    name = "model_in_dim" if "model_in_dim" in held else "num_mels"
    if held.get(name, bins) != bins:
        raise _other(name, held[name], bins)
    for theirs, ours in SOUND.items():
        stated = held.get(theirs)
        if stated is not None and stated != getattr(mel, ours):
            raise _other(theirs, stated, getattr(mel, ours))
    if held.get("leaky_relu_slope", SLOPE) != SLOPE:
        raise _other("leaky_relu_slope", held["leaky_relu_slope"], SLOPE)
    if held.get("model_type") is not None and held.get("normalize_before", True) is not False:
        raise Mismatch(
            "the folder's generator normalises frames itself (`normalize_before`), and ours does not",
            at=("from",),
            help="name a folder whose `normalize_before` is false",
        )


def _other(name: str, theirs: object, ours: object) -> Mismatch:
    return Mismatch(
        f"`{name}` of the folder's config.json is {str(theirs)[:60]}, and here it is {ours}",
        at=("from",),
        help="make the frames as the folder's generator reads them: see the features of the audio",
    )


def _dilations(held: Mapping[str, Any]) -> list[list[int]]:
    given = held.get("resblock_dilation_sizes")
    if isinstance(given, list) and 1 <= len(given) <= 16:
        rows = [Settings({"row": row}).integers("row", None) for row in given if isinstance(row, list)]
        if len(rows) == len(given):
            return rows
    raise Mismatch(
        f"`resblock_dilation_sizes` of the folder's config.json is {str(given)[:60]!r}; lists of whole "
        "numbers are expected here",
        at=("from",),
        help="the folder is damaged, or of a kind that this component does not have",
        code=BAD_SETTING,
    )
