"""Two sides of a pair as vectors in one space, near each other where they belong together."""

# B batch, S states, D width, N negatives

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.pooling import pool
from seqspec.components._layers.transformer_layer import suit_positions
from seqspec.components.graphs import Axes, Function, Graph, arguments_of
from seqspec.components.outputs import Only, Output, Paired, ran, terms, wanted
from seqspec.components.predictions import Predicted, VectorPrediction
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.model.dual_encoder import NEGATIVE, DualEncoderConfig
from seqspec.schema.types import Frames, States, Type, Vector


class DualEncoder(nn.Module):
    """One tower for both sides, or one for each; what it predicts of an input is the input's vector."""

    def __init__(self, config: DualEncoderConfig, takes: Mapping[str, Type], parts: Any) -> None:
        super().__init__()
        self.encoder: nn.Module = parts("encoder")
        self.embedding = parts("embedding")
        self.target_encoder = parts("target_encoder")
        self.target_embedding = parts("target_embedding")
        for encoder, embedding in self._towers():
            suit_positions(encoder, embedding)
        self.pooling = config.pooling
        self.frames = {role: isinstance(takes[role], Frames) for role in ("source", "target")}
        sides = ("encoder", "target_encoder")[: 1 + (self.target_encoder is not None)]
        self.projections = nn.ModuleList(_projection(config, parts.gives(side)) for side in sides)

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``pairs``: the vectors of both sides, and those of hard negatives where there are any."""
        beside: dict[str, Tensor] = {}
        source_BD = self.encode(batch.fields["source"], "source", beside)
        found: dict[str, Output] = {}
        if wanted("pairs", only):
            target_BD = self.encode(batch.fields["target"], "target")
            negatives_ND = target_BD[:0]
            if NEGATIVE in batch.fields:
                negatives_ND = self.encode(batch.fields[NEGATIVE], "target")
            found["pairs"] = Paired(source_BD, target_BD, negatives_ND)
        count = torch.tensor(len(source_BD), device=source_BD.device)
        return found | dict(terms(beside, count, only))

    def encode(self, field: Field, side: str, beside: dict[str, Tensor] | None = None) -> Tensor:
        """``[B, D]``: the vectors of a field, read as ``source`` or as ``target``."""
        own = side == "target" and self.target_encoder is not None
        embedding = self.target_embedding if own else self.embedding
        encoder = self.target_encoder if own else self.encoder
        x, lengths_B = field
        if embedding is not None and self.frames[side]:
            x, lengths_B = embedding(x, lengths_B)
        elif embedding is not None:
            x = embedding(x)
        given, lengths_B = ran(encoder, x, lengths_B, into=beside, name="encoder")
        vector_BD: Tensor = self.projections[int(own)](pool(self.pooling, given, lengths_B))
        return vector_BD

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the cosine of each pair."""
        source_BD, target_BD = (self.encode(batch.fields[role], role) for role in ("source", "target"))
        return nn.functional.cosine_similarity(source_BD.float(), target_BD.float())

    @torch.no_grad()
    def decode(self, batch: Batch, search: None = None) -> list[list[Predicted]]:
        """The vector of each source, of length 1."""
        return [[one] for one in _predicted(self.source_vectors(*_tensors(batch.fields["source"])))]

    @torch.no_grad()
    def references(self, batch: Batch) -> Sequence[Predicted | None]:
        """The vector of each target, of length 1."""
        read = self.source_vectors if self._shared else self.target_vectors
        return _predicted(read(*_tensors(batch.fields["target"])))

    def source_vectors(self, values: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor]:
        """``[B, D]``: vectors of length 1 of sources, and of targets where they share the tower."""
        return (_unit(self.encode(Field(values, lengths_B), "source")),)

    def target_vectors(self, values: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor]:
        """``[B, D]``: vectors of length 1 of targets."""
        return (_unit(self.encode(Field(values, lengths_B), "target")),)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``source_vectors``; and ``target_vectors`` where these have a tower of their own."""
        found = [self._graph(batch, "source", self.source_vectors)]
        if not self._shared and batch.fields["target"].values.numel():
            found.append(self._graph(batch, "target", self.target_vectors))
        return tuple(found)

    def _graph(self, batch: Batch, side: str, function: Callable[..., tuple[Tensor, ...]]) -> Graph:
        given, inputs = arguments_of(batch.fields[side], side)
        outputs: dict[str, Axes] = {"vectors": ("batch", None)}
        sides = "source or a target" if self._shared else side
        note = f"The vector of each {sides}, of length 1; the cosine of a pair is their dot product."
        return Graph(f"{side}_vectors", Function(self, function), given, inputs, outputs, note)

    @property
    def _shared(self) -> bool:
        return self.target_encoder is None and self.frames["source"] == self.frames["target"]

    def _towers(self) -> list[tuple[Any, Any]]:
        own = [(self.target_encoder, self.target_embedding)] if self.target_encoder is not None else []
        return [(self.encoder, self.embedding), *own]


def _projection(config: DualEncoderConfig, given: Type) -> nn.Module:
    if config.projection is None:
        return nn.Identity()
    assert isinstance(given, States | Vector)
    return nn.Linear(given.dim, config.projection, bias=False)


def _unit(x_BD: Tensor) -> Tensor:
    return nn.functional.normalize(x_BD.float(), dim=-1)


def _tensors(field: Field) -> tuple[Tensor, ...]:
    return tuple(x for x in field if x is not None)


def _predicted(found: tuple[Tensor, ...]) -> list[VectorPrediction]:
    return [VectorPrediction(vector_D) for vector_D in found[0].cpu().numpy()]
