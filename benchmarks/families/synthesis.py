"""Synthesis: FastSpeech 2 with given durations, and HiFi-GAN with its critics, beside ESPnet's."""

# B batch, T frames, L samples

from __future__ import annotations

import json
from typing import Any

import torch
from generative_steps import Family
from harness.peer_packages import stand_in
from torch import Tensor
from torch.nn import functional

from families.contest import Contest, Peer, Turn
from seqspec.components._layers.mel import mel_frames
from seqspec.data.batching.batch import Batch

BINS = 80


def fastspeech2(layers: int, dim: int, rows: int) -> Contest:
    """Durations, pitch and energy come with the corpus."""
    heads, kernel, dropout = 2, 9, 0.2
    stack = {
        "type": "feed_forward_transformer", "num_layers": layers, "dim": dim, "num_heads": heads,
        "feed_forward_dim": 4 * dim, "kernel": kernel, "second_kernel": 1, "dropout": dropout,
    }  # fmt: skip
    predictor = {"type": "convolution", "dim": dim, "dropout": 0.5}

    def espnet(ours: Any) -> Peer:
        from espnet2.tts.fastspeech2 import FastSpeech2

        rates = {
            f"transformer_{part}_{where}dropout_rate": rate
            for part in ("enc", "dec")
            for where, rate in (("", dropout), ("positional_", dropout), ("attn_", 0.1))
        }
        predictors = {
            f"{what}_predictor_{field}": value
            for what in ("duration", "energy", "pitch")
            for field, value in (("layers", 2), ("chans", dim), ("kernel_size", 3))
        }
        model = FastSpeech2(
            idim=ours.embedding.weight_VD.shape[0], odim=BINS, adim=dim, aheads=heads, elayers=layers,
            eunits=4 * dim, dlayers=layers, dunits=4 * dim, postnet_layers=0,
            positionwise_layer_type="conv1d-linear", positionwise_conv_kernel_size=kernel,
            use_scaled_pos_enc=False, encoder_normalize_before=False, decoder_normalize_before=False,
            pitch_embed_kernel_size=3, energy_embed_kernel_size=3, use_masking=True, **rates, **predictors,
        )  # fmt: skip

        def loss(batch: Batch) -> Tensor:
            symbols, frames = batch.fields["source"], batch.fields["target"]
            counts = functional.pad(batch.fields["durations"].values, (0, 1))
            tones = {
                name: functional.pad(batch.fields[name].values, (0, 1))[..., None]
                for name in ("pitch", "energy")
            }
            ends = symbols.lengths + 1
            found: Tensor = model(
                symbols.values, symbols.lengths, frames.values, frames.lengths, counts, ends,
                pitch_lengths=ends, energy_lengths=ends, **tones,
            )[0]  # fmt: skip
            return found

        return [Turn(model, loss)]

    sets = (
        f"data.source.num_bins={BINS}", "data.source.synthetic=640", f"data.batch.size={rows}",
        f"model.encoder={json.dumps(stack)}", f"model.decoder={json.dumps(stack)}",
        *(f"model.{what}={json.dumps(predictor)}" for what in ("duration", "pitch", "energy")),
    )  # fmt: skip
    return Contest(Family("tts_given_durations", sets), {"espnet": espnet})


def hifi_gan() -> Contest:
    """The critic's update and the generator's in turn, a batch for each."""
    generator = {
        "type": "hifi_gan", "channels": 128, "upsample_rates": [8, 8], "upsample_kernels": [16, 16], "block": "2",
        "block_kernels": [3, 5], "block_dilations": [[1, 2], [1, 3]],
    }  # fmt: skip
    critic = {
        "type": "hifi_gan", "periods": [2, 3], "period_channels": [8, 32, 128], "num_scales": 2,
        "scale_channels": [16, 16, 32, 64, 64, 64, 64],
    }  # fmt: skip

    def espnet(ours: Any) -> Peer:
        stand_in("humanfriendly", "librosa", "torch_complex")
        from espnet2.gan_tts.hifigan.hifigan import (
            HiFiGANGenerator,
            HiFiGANMultiScaleMultiPeriodDiscriminator,
        )
        from espnet2.gan_tts.hifigan.loss import (
            DiscriminatorAdversarialLoss,
            FeatureMatchLoss,
            GeneratorAdversarialLoss,
        )

        makes = HiFiGANGenerator(
            in_channels=ours.bins, channels=128, upsample_scales=[8, 8], upsample_kernel_sizes=[16, 16],
            resblock_kernel_sizes=[3, 5], resblock_dilations=[[1, 2], [1, 3]], use_additional_convs=False,
        )  # fmt: skip
        slopes = {"nonlinear_activation": "LeakyReLU", "nonlinear_activation_params": {"negative_slope": 0.1}}
        judges = HiFiGANMultiScaleMultiPeriodDiscriminator(
            scales=2, periods=[2, 3],
            scale_discriminator_params={
                "in_channels": 1, "out_channels": 1, "kernel_sizes": [15, 41, 5, 3], "channels": 16,
                "max_downsample_channels": 64, "max_groups": 16, "bias": True,
                "downsample_scales": [2, 2, 4, 4, 1], **slopes,
            },
            period_discriminator_params={
                "in_channels": 1, "out_channels": 1, "kernel_sizes": [5, 3], "channels": 8,
                "downsample_scales": [3, 3, 1], "max_downsample_channels": 128, "bias": True, **slopes,
                "use_weight_norm": True, "use_spectral_norm": False,
            },
        )  # fmt: skip
        told = DiscriminatorAdversarialLoss(average_by_discriminators=False)
        fools = GeneratorAdversarialLoss(average_by_discriminators=False)
        alike = FeatureMatchLoss(average_by_layers=False, average_by_discriminators=False)

        def made(batch: Batch) -> tuple[Tensor, Tensor]:
            assert batch.source is not None
            return makes(batch.source.transpose(1, 2)), batch.target.flatten(1)[:, None]

        def of_critic(batch: Batch) -> Tensor:
            with torch.no_grad():
                fake, true = made(batch)
            real_loss, fake_loss = told(judges(fake), judges(true))
            return torch.as_tensor(real_loss + fake_loss)

        def of_generator(batch: Batch) -> Tensor:
            fake, true = made(batch)
            heard = judges(fake)
            with torch.no_grad():
                real = judges(true)
            mels = [mel_frames(x[:, 0], ours.whole, ours.bins, epsilon=1e-9) for x in (fake, true)]
            distance = functional.l1_loss(*mels)
            return torch.as_tensor(fools(heard) + 2 * alike(heard, real) + 45 * distance)

        return [Turn(judges, of_critic), Turn(makes, of_generator)]

    sets = (
        "data.batch.size=8", f"model.generator={json.dumps(generator)}", f"model.critic={json.dumps(critic)}",
    )  # fmt: skip
    return Contest(Family("vocoder_ljspeech_hifigan", sets), {"espnet": espnet}, clip=None)
