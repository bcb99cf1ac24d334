"""VITS.

Differs from the public code: critic and generator each see a batch of their own in a step; the mel loss hears
the piece of both recordings cut alike, where the code cuts the frames of the whole; a recording that is
shorter than a piece is followed by silence.
"""

# B batch, N tokens, T frames, D width, H samples of a frame, L samples, S width of the vector that says who
# speaks

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.adversarial_sound import critic_loss, generator_losses
from seqspec.components._layers.coupling_flow import CouplingFlow
from seqspec.components._layers.drawn_speech_graphs import speech_graphs, speech_substitutes
from seqspec.components._layers.linear_spectrogram import linear_spectrogram, pieces
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.mel import mel_frames
from seqspec.components._layers.monotonic_alignment import expanded
from seqspec.components._layers.recordings import heard, true_recordings
from seqspec.components._layers.speaker import Speaker
from seqspec.components._layers.spectrum_posterior import Latent, SpectrumPosterior
from seqspec.components._layers.speech_draws import Draws, drawn, noise
from seqspec.components._layers.text_prior import TextPrior, require_frames, whole_durations, with_blanks
from seqspec.components._layers.transformer_layer import suit_positions
from seqspec.components.graphs import Graph, Substitute
from seqspec.components.outputs import Compared, Only, Output, Term, terms, wanted
from seqspec.components.predictions import AudioPrediction, FramesPrediction
from seqspec.components.search._speech import Drawing, default_drawing
from seqspec.data.batching.batch import Batch
from seqspec.data.seeds import seed_of
from seqspec.schema.config import stated_width
from seqspec.schema.model.vits import VitsConfig
from seqspec.schema.types import Frames, Type

EPSILON = 1e-6
"""Added to the power of a spectrum before its root is taken, as in the public code."""
TEXT = frozenset({"kl", "duration"})
"""Losses for which the text is read."""


class Vits(nn.Module):
    """Random numbers of an example come from the step and its row alone, however a step is cut."""

    drawn: Tensor
    channels = 2
    """Random numbers a token."""

    def __init__(self, config: VitsConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]) -> None:
        super().__init__()
        target = takes["target"]
        assert isinstance(target, Frames)
        frames = config.frames_of(takes)
        assert frames.mel is not None
        self.frames, self.mel, self.bins = frames, frames.mel, frames.dim
        self.segment, self.most, self.blanks = config.segment, config.max_token_frames, config.blanks
        self.embedding, self.encoder = parts("embedding"), parts("encoder")
        suit_positions(self.encoder, self.embedding)
        dim = stated_width(config.encoder)
        self.speaker = Speaker(takes.get("speaker"), dim=config.speaker_dim)
        told = None if self.speaker.table_SD is None else config.speaker_dim
        self.prior = nn.Linear(dim, 2 * dim)
        self.posterior = SpectrumPosterior(
            config.fft_samples // 2 + 1, dim, kernel=config.kernel, num_layers=config.posterior_layers,
            speaker_dim=told,
        )  # fmt: skip
        self.flow = CouplingFlow(
            dim, kernel=config.kernel, num_layers=config.flow_layers, num_blocks=config.flow_blocks,
            speaker_dim=told,
        )  # fmt: skip
        self.duration = parts("duration")
        self.generator, self.critic = parts("generator"), parts("critic")
        # What decides the draws: a key of this run's initial weights, and the step under way.
        self.register_buffer("drawn", torch.zeros(2, dtype=torch.int64))
        self.drawn[0] = torch.randint(2**62, ())

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """Named losses; ``frames`` are those of each recording, read and made again."""
        critic_alone = only is not None and only <= {"critic"}
        draws = self._draw(batch, phase="critic" if critic_alone else "generator")
        speaker_BS = self._speaker(batch)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not critic_alone):
            posterior = self._posterior(batch, draws, speaker_BS)
            made_BL = self._made_piece(posterior, draws, speaker_BS)
        true_BL = pieces(batch.target, draws.starts_B, _frames(batch), size=self.segment).flatten(1)
        means = self._heard_losses(true_BL, made_BL, only)
        count = torch.tensor(len(batch.index), device=true_BL.device)
        found: dict[str, Output] = dict(terms(means, count, only))
        if only is None or only & TEXT:
            found |= self._read_losses(batch, posterior, draws, speaker_BS, only)
        if wanted("frames", only):
            found["frames"] = self._again(batch, posterior, speaker_BS)
        return found

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[FramesPrediction]]:
        """One reading of each text, with its sound; its random numbers are the text's own."""
        drawing: Drawing = (search or default_drawing()).drawing
        assert batch.source is not None
        assert batch.source_lengths is not None
        speaker_B = self.speaker.speakers(batch)
        generators = [drawing.generator(ids) for ids in _texts(batch)]
        lengths_B, size = self._lengths(batch.source_lengths), self.size(batch.source.shape[1])
        noise_BCN = noise(generators, lengths_B.tolist(), (self.channels, size)).to(lengths_B.device)
        noise_BCN = noise_BCN * drawing.noise_scale_duration
        mean_BND, log_std_BND, log_BN = self.tokens(batch.source, batch.source_lengths, noise_BCN, speaker_B)
        durations_BN = whole_durations(
            log_BN, length_mask(lengths_B, size), scale=drawing.length_scale, most=self.most
        )
        frames: list[int] = durations_BN.sum(1).tolist()
        noise_BDT = noise(generators, frames, (mean_BND.shape[2], max(frames))).to(mean_BND)
        noise_BTD = noise_BDT.transpose(1, 2) * drawing.noise_scale
        (latent_BTD,) = self.latents(mean_BND, log_std_BND, durations_BN, noise_BTD, speaker_B)
        found = []
        for row, length in enumerate(frames):
            who = None if speaker_B is None else speaker_B[row : row + 1]
            wave_L = self.waveform(latent_BTD[row : row + 1, :length], who)[0][0]
            sound = AudioPrediction(wave_L.float().cpu().numpy(), self.mel.rate)
            found.append([heard(sound, self.frames, epsilon=EPSILON)])
        return found

    def tokens(
        self, ids_BN: Tensor, lengths_B: Tensor, noise_BCN: Tensor, speaker_B: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Mean and logarithm of the deviation ``[B, N, D]`` of a token's frames, blanks among the tokens, and
        the logarithm of how many there are, ``[B, N]``.
        """
        read = self._read_ids(ids_BN, lengths_B)
        log_BN = self.duration.log_durations(
            read.states_BND, read.mask_BN1, noise_BCN, self._vector(speaker_B)
        )
        return read.mean_BND, read.log_std_BND, log_BN

    def latents(
        self,
        mean_BND: Tensor,
        log_std_BND: Tensor,
        durations_BN: Tensor,
        noise_BTD: Tensor,
        speaker_B: Tensor | None = None,
    ) -> tuple[Tensor]:
        """``[B, T, D]``: what the generator reads, zero behind each end."""
        size = noise_BTD.shape[1]
        mean_BTD, log_std_BTD = (expanded(x, durations_BN, size) for x in (mean_BND, log_std_BND))
        z_BTD = mean_BTD + noise_BTD * log_std_BTD.exp()
        mask_B1T = length_mask(durations_BN.sum(1), size)[:, None]
        latent_BDT = self.flow.inverse(
            z_BTD.transpose(1, 2) * mask_B1T, mask_B1T, _wide(self._vector(speaker_B))
        )
        return (latent_BDT.transpose(1, 2),)

    def waveform(self, latent_BTD: Tensor, speaker_B: Tensor | None = None) -> tuple[Tensor]:
        """``[B, L]`` samples of latent vectors of one length."""
        return (self.generator(latent_BTD, *_told(self._vector(speaker_B))),)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``tokens``, ``latents`` and ``waveform``; what is drawn is an argument."""
        return speech_graphs(self, batch)

    def substitutes(self, graphs: Mapping[str, Substitute]) -> dict[str, Any]:
        """The methods that ``decode`` calls, by the graphs in another runtime."""
        return speech_substitutes(graphs)

    def references(self, batch: Batch) -> Sequence[FramesPrediction | None]:
        """The true recordings, and their frames."""
        return true_recordings(batch, self.frames, epsilon=EPSILON)

    @torch.no_grad()
    def attention(self, batch: Batch) -> Tensor | None:
        """``[B, T, N]``: the token of each frame on the path that training takes, blanks among them."""
        speaker_BS = self._speaker(batch)
        posterior = self._posterior(batch, self._draw(batch, phase="generator"), speaker_BS)
        read = self._read(batch)
        z_BTD = self._flowed(posterior, speaker_BS)
        durations_BN = self._aligned(batch, read, z_BTD)
        identity = torch.eye(durations_BN.shape[1], device=z_BTD.device).expand(len(z_BTD), -1, -1)
        return expanded(identity, durations_BN, z_BTD.shape[1])

    def finish_step(self, *, step: int, moved: bool) -> None:
        """The next step draws anew."""
        self.drawn[1] = step

    def _draw(self, batch: Batch, *, phase: str) -> Draws:
        """Of each example by its row and, while training, the step and the phase."""
        key, step = self.drawn.tolist() if self.training else (0, 0)
        assert batch.source is not None
        assert batch.source_lengths is not None
        frames, tokens = _frames(batch).tolist(), self._lengths(batch.source_lengths).tolist()
        sizes = batch.target.shape[1], self.size(batch.source.shape[1])
        generators = [
            torch.Generator().manual_seed(seed_of(key, "vits", phase, step, row))
            for row in batch.index.tolist()
        ]
        found = drawn(
            generators, list(zip(frames, tokens, strict=True)), sizes=sizes, dim=self.prior.in_features,
            segment=self.segment,
        )  # fmt: skip
        return Draws(*(one.to(batch.target.device) for one in found))

    def _speaker(self, batch: Batch) -> Tensor | None:
        return self._vector(self.speaker.speakers(batch))

    def _vector(self, speaker_B: Tensor | None) -> Tensor | None:
        """``[B, S]``: who speaks, where there are several."""
        if self.speaker.table_SD is None:
            return None
        assert speaker_B is not None
        return self.speaker.table_SD[speaker_B]

    def _posterior(self, batch: Batch, draws: Draws, speaker_BS: Tensor | None) -> Latent:
        frames_B = _frames(batch)
        mask_B1T = length_mask(frames_B, batch.target.shape[1])[:, None]
        x_BTF = linear_spectrogram(
            batch.target, frames_B, fft=self.mel.fft, window=self.mel.window, epsilon=EPSILON
        )
        mean_BDT, log_std_BDT = self.posterior(x_BTF.transpose(1, 2), mask_B1T, _wide(speaker_BS))
        noise_BDT = draws.latent_BTD.transpose(1, 2)
        return Latent((mean_BDT + noise_BDT * log_std_BDT.exp()) * mask_B1T, log_std_BDT, mask_B1T, frames_B)

    def _made_piece(self, posterior: Latent, draws: Draws, speaker_BS: Tensor | None) -> Tensor:
        """``[B, L]``: the samples of a piece of each recording, zero behind its end."""
        piece = partial(pieces, starts_B=draws.starts_B, lengths_B=posterior.frames_B, size=self.segment)
        made_BL: Tensor = self.generator(piece(posterior.z_BDT.transpose(1, 2)), *_told(speaker_BS))
        real_BT1 = piece(posterior.mask_B1T.transpose(1, 2).to(made_BL.dtype))
        return (made_BL.view(len(made_BL), self.segment, -1) * real_BT1).flatten(1)

    def _heard_losses(self, true_BL: Tensor, made_BL: Tensor, only: Only) -> dict[str, Tensor]:
        """Means over the batch, whose pieces are of one size."""
        means: dict[str, Tensor] = {}
        if wanted("mel", only):
            made, true = (mel_frames(x, self.mel, self.bins, epsilon=EPSILON) for x in (made_BL, true_BL))
            means["mel"] = (made - true).abs().mean()
        if wanted("critic", only):
            means["critic"] = critic_loss(self.critic, true_BL, made_BL.detach())
        if wanted("adversarial", only) or wanted("features", only):
            means |= generator_losses(self.critic, true_BL, made_BL)
        return means

    def _read_losses(
        self, batch: Batch, posterior: Latent, draws: Draws, speaker_BS: Tensor | None, only: Only
    ) -> dict[str, Output]:
        """``kl``, summed over features and divided by frames (equation 4), and ``duration``: each example's
        mean over its tokens, blanks among them, weighs as it has tokens in the corpus.
        """
        assert batch.source_lengths is not None
        read = self._read(batch)
        z_BTD = self._flowed(posterior, speaker_BS)
        durations_BN = self._aligned(batch, read, z_BTD)
        found: dict[str, Output] = {}
        if wanted("kl", only):
            total = read.divergence(
                z_BTD, log_std_BTD=posterior.log_std_BDT.transpose(1, 2),
                mask_BT1=posterior.mask_B1T.transpose(1, 2), durations_BN=durations_BN,
            )  # fmt: skip
            found["kl"] = Term(total, posterior.frames_B.sum())
        if wanted("duration", only):
            nll_B = self.duration(
                read.states_BND, read.mask_BN1, durations_BN, draws.duration_BCN, speaker_BS
            )
            share_B = batch.source_lengths / read.lengths_B
            found["duration"] = Term((nll_B * share_B).sum(), batch.source_lengths.sum())
        return found

    def _again(self, batch: Batch, posterior: Latent, speaker_BS: Tensor | None) -> Compared:
        """Frames of each recording as the generator makes it of its latent vectors, beside the true ones."""
        made_BL: Tensor = self.generator(posterior.z_BDT.transpose(1, 2), *_told(speaker_BS))
        made_BTH = made_BL.view(*batch.target.shape) * posterior.mask_B1T.transpose(1, 2)
        made, true = (
            mel_frames(x.flatten(1), self.mel, self.bins, epsilon=EPSILON) for x in (made_BTH, batch.target)
        )
        return Compared(made, true, posterior.frames_B)

    def _read(self, batch: Batch) -> TextPrior:
        """What is known of the tokens, blanks among them."""
        assert batch.source is not None
        assert batch.source_lengths is not None
        return self._read_ids(batch.source, batch.source_lengths)

    def _read_ids(self, ids_BN: Tensor, lengths_B: Tensor) -> TextPrior:
        ids_BN = with_blanks(ids_BN) if self.blanks == "between" else ids_BN
        lengths_B = self._lengths(lengths_B)
        mask_BN1 = length_mask(lengths_B, ids_BN.shape[1])[:, :, None]
        states_BND, _ = self.encoder(self.embedding(ids_BN) * mask_BN1, lengths_B)
        states_BND = states_BND * mask_BN1
        mean_BND, log_std_BND = (self.prior(states_BND) * mask_BN1).chunk(2, dim=2)
        return TextPrior(states_BND, mean_BND, log_std_BND, mask_BN1, lengths_B)

    def _lengths(self, lengths_B: Tensor) -> Tensor:
        """Tokens of texts that have so many, blanks among them."""
        return 2 * lengths_B + 1 if self.blanks == "between" else lengths_B

    def size(self, tokens: int) -> int:
        """Places of a text of so many tokens, blanks among them."""
        return 2 * tokens + 1 if self.blanks == "between" else tokens

    def _flowed(self, posterior: Latent, speaker_BS: Tensor | None) -> Tensor:
        z_BDT: Tensor = self.flow(posterior.z_BDT, posterior.mask_B1T, _wide(speaker_BS))
        return z_BDT.transpose(1, 2)

    @torch.no_grad()
    def _aligned(self, batch: Batch, read: TextPrior, z_BTD: Tensor) -> Tensor:
        """``[B, N]``: frames of each token on the most probable path.  Raises ``DataError`` where a text has
        more tokens than its recording has frames.
        """
        frames_B = _frames(batch)
        require_frames(
            batch.index.tolist(), read.lengths_B.tolist(), frames_B.tolist(),
            blanks=self.blanks == "between",
        )  # fmt: skip
        return read.path_durations(z_BTD, frames_B)


def _texts(batch: Batch) -> list[list[int]]:
    """The ids of each text."""
    assert batch.source is not None
    assert batch.source_lengths is not None
    pairs = zip(batch.source.tolist(), batch.source_lengths.tolist(), strict=True)
    return [ids[:length] for ids, length in pairs]


def _frames(batch: Batch) -> Tensor:
    assert batch.target_lengths is not None
    return batch.target_lengths


def _wide(speaker_BS: Tensor | None) -> Tensor | None:
    return None if speaker_BS is None else speaker_BS[:, :, None]


def _told(speaker_BS: Tensor | None) -> tuple[Tensor, ...]:
    """What a generator is handed beside its frames."""
    return () if speaker_BS is None else (speaker_BS,)
