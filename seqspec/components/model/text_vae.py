"""Variational autoencoder of texts."""

# B batch, U target time, D width of the encoder's vector, Z latent features, M states of the memory

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.gaussian_latent import log_ratio, sampled
from seqspec.components._layers.init import linear
from seqspec.components._layers.input_limits import longest_output
from seqspec.components._layers.linear_cross_entropy import log_probabilities
from seqspec.components._layers.masks import with_ends
from seqspec.components._layers.pooling import pool
from seqspec.components._layers.transformer_layer import suit_positions
from seqspec.components.graphs import Axes, Function, Graph, Substitute, arguments_of
from seqspec.components.loss.kl_divergence import divergence
from seqspec.components.outputs import Only, Output, Posterior, Scored, Term, wanted
from seqspec.components.search._hypothesis import Continuation, Hypothesis
from seqspec.components.stepped_graphs import Stepper, begin_by, step_by, step_graph, stepper
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.text_vae import TextVaeConfig
from seqspec.schema.types import BOS, EOS, UNK, Type


class TextVae(nn.Module):
    """Both sides read the target; its likelihood is that of all its ids and of its end."""

    def __init__(self, config: TextVaeConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]) -> None:
        super().__init__()
        assert config.encoder_dim is not None
        self.latent, self.states, self.word_dropout = config.latent, config.memory, config.word_dropout
        self.pooling = config.pooling
        self.embedding = parts("embedding")
        self.encoder = parts("encoder")
        suit_positions(self.encoder, self.embedding)
        self.mean = linear(config.encoder_dim, config.latent)
        self.log_variance = linear(config.encoder_dim, config.latent)
        self.memory = linear(config.latent, config.memory * config.encoder_dim)
        self.decoder = parts("decoder")
        self.head = parts("head")

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``reconstruction``: nats of each text under one sample; ``posterior``: of the latent vector;
        ``tokens``: a state before each id and the end, under the same sample.
        """
        posterior = self._posterior(batch)
        found: dict[str, Output] = {"posterior": posterior} if wanted("posterior", only) else {}
        if wanted("reconstruction", only) or wanted("tokens", only):
            hidden_BUD, labels_BU = self._written(batch, sampled(posterior))
            if wanted("tokens", only):
                found["tokens"] = Scored(hidden_BUD, labels_BU, self.head)
            if wanted("reconstruction", only):
                nll_B = -log_probabilities(hidden_BUD, labels_BU, self.head).sum(1)
                count = torch.tensor(len(nll_B), device=nll_B.device)
                found = {"reconstruction": Term(nll_B.sum(), count), **found}
        return found

    def bound(self, batch: Batch, *, samples: int) -> Tensor:
        """``[B]``: a lower bound of the log-likelihood, in nats, with so many samples of the posterior
        (Burda et al. 2016, "Importance Weighted Autoencoders", arXiv:1509.00519, equation 8).
        """
        posterior = self._posterior(batch)
        weights = []
        for _ in range(samples):
            latent_BZ = sampled(posterior)
            weights.append(log_ratio(latent_BZ, posterior) - self._nll(batch, latent_BZ))
        return torch.stack(weights).logsumexp(0) - math.log(samples)

    def evidence(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """``[B]`` nats of the reconstruction and ``[B, Z]`` of the divergence, which is exact."""
        posterior = self._posterior(batch)
        nll_B = self._nll(batch, sampled(posterior))
        return nll_B, divergence(posterior.mean_BZ.float(), posterior.log_variance_BZ.float())

    def latents(self, batch: Batch) -> Tensor:
        """``[B, Z]``: the mean of each text's posterior."""
        return self._posterior(batch).mean_BZ

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the evidence lower bound."""
        nll_B, kl_BZ = self.evidence(batch)
        return -nll_B - kl_BZ.sum(1)

    def decode(self, batch: Batch, search: Any) -> list[list[Hypothesis]]:
        """Each text as the mean of its posterior is written, best first."""
        latent_BZ = self.latents(batch)
        count = len(latent_BZ)
        first_B = torch.full((count,), BOS, device=latent_BZ.device)
        limits_B = torch.full((count,), longest_output(self.decoder), device=latent_BZ.device)
        state = self.start(latent_BZ)
        return search(Continuation(first_B, state, self.step, limits_B, batch.target_lengths, batch.index))

    def start(self, latent_BZ: Tensor) -> Any:
        """The decoder's state before it writes texts of these latent vectors."""
        return self.decoder.start(*self._memory(latent_BZ), examples=len(latent_BZ))

    def step(self, ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Tensor, Any]:
        """Logits after one more id, and the state that knows it."""
        hidden_ND, state = self.decoder.step(ids_N, state, look=look)
        return self.head(hidden_ND), state

    def show(self, batch: Batch, search: Any = None) -> dict[str, list[Any]]:
        """Nothing to be looked at."""
        return {}

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``encode`` texts into posteriors; of a latent vector ``begin`` and ``step`` write one."""
        assert batch.target_lengths is not None
        given, inputs = arguments_of(batch.fields["target"], "target")
        latent_BZ = self.latents(batch)
        stepping = self._stepper(latent_BZ)

        def encode(ids_BU: Tensor, lengths_B: Tensor) -> tuple[Tensor, ...]:
            return tuple(self._posterior_of(ids_BU, lengths_B))

        def begin(latent_BZ: Tensor) -> tuple[Tensor, ...]:
            return tuple(self._stepper(latent_BZ).state.fixed.values())

        vector: Axes = ("batch", None)
        held = {name: stepping.state.axes[name] for name in stepping.state.fixed}
        prefix_BU, _ = with_ends(batch.target, batch.target_lengths, begin=BOS, end=EOS)
        return (
            Graph("encode", Function(self, encode), given, inputs, {"mean": vector, "log_variance": vector},
                  "The posterior of each text; a sample of it is `mean + exp(log_variance / 2) * noise`."),
            Graph("begin", Function(self, begin), {"latent": latent_BZ}, {"latent": vector}, held,
                  "What the decoder looks at, of a latent vector: a posterior's, or one from N(0, 1)."),
            step_graph(self, stepping, prefix_BU),
        )  # fmt: skip

    def substitutes(self, graphs: Mapping[str, Substitute]) -> dict[str, Any]:
        """The methods that ``decode`` calls, by the graphs in another runtime."""

        def latents(batch: Batch) -> Tensor:
            assert batch.target_lengths is not None
            return graphs["encode"](batch.target, batch.target_lengths)[0]

        def start(latent_BZ: Tensor) -> Any:
            return begin_by(graphs["step"].graph, graphs["begin"](latent_BZ), len(latent_BZ))

        return {"latents": latents, "start": start, "step": step_by(graphs["step"])}

    def _stepper(self, latent_BZ: Tensor) -> Stepper:
        return stepper(self.decoder, self.head, *self._memory(latent_BZ), latent_BZ.shape[0])

    def _posterior(self, batch: Batch) -> Posterior:
        return self._posterior_of(batch.target, batch.target_lengths)

    def _posterior_of(self, ids_BU: Tensor, lengths_B: Tensor | None) -> Posterior:
        x_BUD: Any = ids_BU if self.embedding is None else self.embedding(ids_BU)
        states_BUD, lengths_B = self.encoder(x_BUD, lengths_B)
        vector_BD = pool(self.pooling, states_BUD, lengths_B)
        return Posterior(self.mean(vector_BD), self.log_variance(vector_BD).clamp(-20, 20))

    def _memory(self, latent_BZ: Tensor) -> tuple[Tensor, Tensor]:
        memory_BMD = self.memory(latent_BZ).unflatten(1, (self.states, -1))
        return memory_BMD, torch.full((latent_BZ.shape[0],), self.states, device=latent_BZ.device)

    def _nll(self, batch: Batch, latent_BZ: Tensor) -> Tensor:
        """``[B]`` nats of all ids of a text and of its end."""
        hidden_BUD, labels_BU = self._written(batch, latent_BZ)
        return -log_probabilities(hidden_BUD, labels_BU, self.head).sum(1)

    def _written(self, batch: Batch, latent_BZ: Tensor) -> tuple[Tensor, Tensor]:
        """What the head reads before each id of a text and its end, and those ids."""
        assert batch.target_lengths is not None
        inputs_BU, labels_BU = with_ends(batch.target, batch.target_lengths, begin=BOS, end=EOS)
        hidden_BUD: Tensor = self.decoder(self._dropped(inputs_BU), *self._memory(latent_BZ))
        return hidden_BUD, labels_BU

    def _dropped(self, inputs_BU: Tensor) -> Tensor:
        """Some ids unknown, the beginning never."""
        if not self.training or not self.word_dropout:
            return inputs_BU
        lost_BU = torch.rand(inputs_BU.shape, device=inputs_BU.device) < self.word_dropout
        lost_BU[:, 0] = False
        return inputs_BU.masked_fill(lost_BU, UNK)
