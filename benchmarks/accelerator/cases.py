"""The shipped specs that are measured, and the settings that give each the size of real work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SPECS = Path(__file__).parents[2] / "specs"


@dataclass(frozen=True)
class Case:
    """One family: its spec, what is set for real work, and what is counted a second."""

    name: str
    spec: str
    unit: str
    """``tokens`` of the target that are no padding, ``frames`` of the features, or ``images``."""
    synthetic: int
    """Examples of the made-up corpus, where none is given."""
    sets: tuple[str, ...] = ()
    convolves: bool = False
    """Over images, so that the order of channels in memory matters."""

    def overlays(self, *, tiny: bool, given: bool, more: Sequence[str] = ()) -> list[str]:
        """What is set; profile ``tiny`` has sizes and a corpus of its own."""
        if tiny:
            return list(more)
        made = () if given else (f"data.source.synthetic={self.synthetic}",)
        return [*made, *self.sets, *more]


CASES = {
    one.name: one
    for one in (
        Case(
            "language_model", "lm_shakespeare_char", "tokens", 20_000,
            # The shape of GPT-2 small: Radford et al. (2019), table 2.
            (
                "model.decoder.num_layers=12", "model.decoder.dim=768", "model.decoder.num_heads=12",
                "model.decoder.max_positions=1024", "data.pack.length=1024", "data.batch.size=16",
            ),
        ),
        Case(
            "translation", "mt_tanaka_jaen", "tokens", 50_000,
            # Transformer base: Vaswani et al. (2017), table 3.
            (
                "model.encoder.num_layers=6", "model.encoder.dim=512", "model.encoder.num_heads=8",
                "model.decoder.num_layers=6", "data.batch.size=25000",
                "data.text.source.tokenizer.limit=soft",
            ),
        ),
        Case("speech", "asr_librispeech_ctc", "frames", 1_000),
        Case("images", "image_imagenet_resnet50", "images", 600, (), convolves=True),
        Case("diffusion", "diffusion_cifar10", "images", 2_000, (), convolves=True),
    )
}  # fmt: skip
