"""HiFi-GAN: Kong, Kim and Bae (2020), "HiFi-GAN: Generative Adversarial Networks for Efficient and High
Fidelity Speech Synthesis", NeurIPS, arXiv:2010.05646; the defaults are its V1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.hugging_face_folder import Folder, Layout, Weight
from seqspec.schema.pretrained import Pretrained
from seqspec.schema.types import Frames, Type
from seqspec.schema.units import Dim, InferredMark, Later, Positive
from seqspec.schema.vocoder._hifi_gan_folder import own_sizes, require_frames
from seqspec.schema.vocoder.griffin_lim import vocoded

Widths = Annotated[list[Positive], Field(min_length=1, max_length=16)]
SCALE, DIRECTION = "parametrizations.weight.original0", "parametrizations.weight.original1"
"""What torch calls the two parts of a weight that is normalised."""


class HifiGanConfig(Pretrained):
    """Transposed convolutions up to samples, each with residual blocks of several widths; a frame
    becomes as many samples as its hop.

    ``from`` names a folder with the authors' config.json, or that of transformers' ``SpeechT5HifiGan``, and
    the weights of a generator as ``model.safetensors``, normalised or in one piece.
    """

    model_types: ClassVar[tuple[str, ...]] = ("hifigan", "speecht5_hifigan")
    untyped: ClassVar[tuple[str, ...]] = ("resblock", "upsample_rates", "upsample_initial_channel")
    read_beside: ClassVar[tuple[str, ...]] = (*Pretrained.read_beside, "folder_weights")

    channels: Dim = 512
    """Channels before the first step up; each step halves them."""
    upsample_rates: Widths = [8, 8, 2, 2]
    """Factor of each step; together they must be the hop of the frames."""
    upsample_kernels: Widths = [16, 16, 4, 4]
    """Width of the transposed convolution of each step; as even or odd as its factor."""
    block: Literal["1", "2"] = "1"
    """Residual blocks with two convolutions for each dilation, or one (V3)."""
    block_kernels: Widths = [3, 7, 11]
    """Widths of the residual blocks, whose outputs are averaged."""
    block_dilations: Annotated[list[Widths], Field(min_length=1)] = [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    """Dilations within each of them."""
    ends: Annotated[Literal["normalized", "plain"], Later] = "normalized"
    """Weight normalisation of the first and the last convolution too, or neither, and no bias in the last, as
    in VITS.
    """
    speaker_dim: Annotated[Dim | None, InferredMark(), Later] = None
    """Width of the vector that says who speaks, which is added behind the first convolution."""
    folder_weights: Annotated[Literal["normalized", "whole"] | None, InferredMark(), Later] = None
    """How the folder holds its weights; it follows from ``from``."""

    def wire(self, source: Type, flow: Flow) -> Type:
        given = self.output(source)
        if self.told(flow) is not None:
            folder = flow.folder(str(self.folder))
            assert folder is not None
            self._require_folder(folder, source)
            whole = "conv_pre.weight" in folder.tensors
            flow.derive("folder_weights", "whole" if whole else "normalized", "the folder's tensors are so")
        return given

    def _require_folder(self, folder: Folder, source: Type) -> None:
        """Raises ``Mismatch`` where the folder holds another generator, or one for other frames."""
        if self.ends == "plain" or self.speaker_dim is not None:
            message = "the folder's generator knows no speakers, and all of its convolutions are normalised"
            raise Mismatch(message, at=("from",), help="read it as the vocoder of frames, with usual ends")
        assert isinstance(source, Frames)
        assert source.mel is not None
        require_frames(folder.settings, source.mel, source.dim)
        told = own_sizes(folder.settings)
        other = {name: value for name, value in told.items() if getattr(self, name) != value}
        if other:
            written = ", ".join(f"{name}: {_written(value)}" for name, value in other.items())
            raise Mismatch(
                f"the folder's generator has other sizes: {', '.join(other)}",
                at=("from",),
                help=f"write `{written}`",
            )

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As the authors' code names them; transformers has another word for the steps up."""
        source = takes.get("source")
        bins = source.dim if isinstance(source, Frames) else None
        weights = [*self._weight("entry", "conv_pre", (self.channels, bins, 7))]
        width = self.channels
        for step, kernel in enumerate(self.upsample_kernels):
            weights += self._weight(
                f"steps.{step}", f"ups.{step}", (width, width // 2, kernel), bias=width // 2,
                older=f"upsampler.{step}",
            )  # fmt: skip
            width //= 2
            for kind, size in enumerate(self.block_kernels):
                weights += self._block(step * len(self.block_kernels) + kind, width, size, kind)
        weights += self._weight("exit", "conv_post", (1, width, 7))
        return Layout(tuple(weights), ignored=("mean", "scale"))

    def _block(self, number: int, width: int, kernel: int, kind: int) -> Iterator[Weight]:
        names = [("first", "convs1"), ("second", "convs2")] if self.block == "1" else [("first", "convs")]
        for ours, theirs in names:
            for index in range(len(self.block_dilations[kind])):
                yield from self._weight(
                    f"blocks.{number}.{ours}.{index}", f"resblocks.{number}.{theirs}.{index}",
                    (width, width, kernel),
                )  # fmt: skip

    def _weight(
        self,
        here: str,
        there: str,
        shape: tuple[int | None, ...],
        *,
        bias: int | None = None,
        older: str = "",
    ) -> Iterator[Weight]:
        """One convolution: its scale, its direction and its bias."""
        names = [there, older] if older else [there]
        if self.folder_weights == "whole":
            first, *others = [f"{name}.weight" for name in names]
            for part, norms in ((SCALE, True), (DIRECTION, False)):
                yield Weight(f"{here}.{part}", first, shape, older=tuple(others), norms=norms)
        else:
            scale = (shape[0], *[1] * (len(shape) - 1))
            for part, name, size in ((SCALE, "weight_g", scale), (DIRECTION, "weight_v", shape)):
                later = [f"{one}.{part}" for one in names]
                first, *others = [f"{one}.{name}" for one in names]
                yield Weight(f"{here}.{part}", first, size, older=(*others, *later))
        first, *others = [f"{name}.bias" for name in names]
        yield Weight(f"{here}.bias", first, (shape[0] if bias is None else bias,), older=tuple(others))

    def output(self, source: Type) -> Type:
        given = vocoded(source)
        assert isinstance(source, Frames)
        assert source.mel is not None
        self._require_lists()
        hop = prod(self.upsample_rates)
        if hop != source.mel.hop:
            raise Mismatch(
                f"steps of {' · '.join(map(str, self.upsample_rates))} make {hop} samples of a frame, and the"
                f" frames stand {source.mel.hop} apart",
                at=("upsample_rates",),
                help="choose factors whose product is the hop",
            )
        if source.mel.padding != "same":
            raise Mismatch(
                f"frames with `padding: {source.mel.padding}` are not one for each hop of samples",
                help="compute them with `padding: same`",
            )
        return given

    def _require_lists(self) -> None:
        if len(self.upsample_kernels) != len(self.upsample_rates):
            message = "each step up needs a width, and the two lists differ in length"
            raise Mismatch(message, at=("upsample_kernels",))
        if len(self.block_dilations) != len(self.block_kernels):
            message = "each residual block needs its dilations, and the two lists differ in length"
            raise Mismatch(message, at=("block_dilations",))
        if self.channels % 2 ** len(self.upsample_rates):
            times = 2 ** len(self.upsample_rates)
            message = f"{self.channels} channels cannot be halved {len(self.upsample_rates)} times"
            raise Mismatch(message, at=("channels",), help=f"use a multiple of {times}")
        for index, (rate, kernel) in enumerate(zip(self.upsample_rates, self.upsample_kernels, strict=True)):
            if kernel < rate or (kernel - rate) % 2:
                message = f"a width of {kernel} does not fit a factor of {rate}"
                raise Mismatch(message, at=("upsample_kernels", index), help="their difference must be even")
        for index, kernel in enumerate(self.block_kernels):
            if kernel % 2 == 0:
                raise Mismatch(f"a kernel of {kernel} has no middle", at=("block_kernels", index))


def _written(value: object) -> str:
    """As it stands in a spec: text in quotes, lists in brackets."""
    return f'"{value}"' if isinstance(value, str) else str(value)
