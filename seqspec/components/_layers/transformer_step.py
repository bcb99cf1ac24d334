"""One step of a Transformer's layer with cached keys and values, and the state that a search carries."""

# B batch, N hypotheses (B times the beam), T time, P keys and values, S memory time, D width, H heads,
# E width of a head

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from seqspec.components._layers.attention import KeysValues
from seqspec.components._layers.kv_cache import select
from seqspec.components._layers.masks import attention_mask
from seqspec.components._layers.prepared_step import prepared
from seqspec.components._layers.transformer_layer import TransformerLayer
from seqspec.components.graphs import Axes, TensorState


class LayerCache(NamedTuple):
    """What one layer of a decoder keeps between steps."""

    past: Any
    """``[T, P, N, H, E]``, or one row longer: see ``kv_cache``; what stands in place of full attention keeps
    a state of its own, with a ``select``.
    """
    memory: KeysValues | None
    """``[B, H, S, E]``; the hypotheses of one example share it."""
    window: Tensor | None
    """``[N, kernel - 1, D]``: the inputs that a convolution in the feed-forward network still sees."""

    def select(self, rows_N: Tensor, *, filled: int) -> LayerCache:
        """The hypotheses in ``rows_N``; ``filled`` is how many positions there are."""
        window = None if self.window is None else self.window[rows_N]
        if isinstance(self.past, Tensor):
            past = select(self.past, rows_N, filled=filled)
        else:
            past = self.past.select(rows_N)
        return LayerCache(past, self.memory, window)


@dataclass(frozen=True)
class TransformerState:
    """Where a search stands: how many tokens were read, and each layer's keys and values."""

    position: int
    layers: tuple[LayerCache, ...]
    memory_mask: Tensor | None
    attention: Tensor | None = None
    """``[N, S]``: where the last step looked, mean over the heads of the last layer; only where it was asked
    for.
    """
    padded: bool = True
    """Whether a memory may be shorter than the mask is wide, so that the mask has to be looked at."""

    def select(self, rows_N: Tensor) -> TransformerState:
        """The hypotheses in ``rows_N``; those of one example stay together and in order of examples."""
        return _selected(self, rows_N)

    def keep(self, examples_B: Tensor) -> TransformerState:
        """Forgets the memories of other examples; ``select`` their hypotheses beforehand."""
        return _of_examples(self, examples_B)

    def tensors(self) -> TensorState:
        """The same as named tensors."""
        fixed = {} if self.memory_mask is None else {"memory_mask": self.memory_mask}
        moving: dict[str, Tensor] = {}
        for number, layer in enumerate(self.layers):
            if layer.memory is not None:
                fixed[f"memory_keys_{number}"] = layer.memory.keys
                fixed[f"memory_values_{number}"] = layer.memory.values
            moving[f"past_{number}"] = layer.past[: self.position]
            if layer.window is not None:
                moving[f"window_{number}"] = layer.window
        return TensorState(fixed, moving, {name: AXES[name.rsplit("_", 1)[0]] for name in (*fixed, *moving)})

    def restored(self, tensors: Mapping[str, Tensor]) -> TransformerState:
        """A state of as many layers from named tensors."""
        layers = tuple(
            LayerCache(
                tensors[f"past_{number}"],
                None
                if layer.memory is None
                else KeysValues(tensors[f"memory_keys_{number}"], tensors[f"memory_values_{number}"]),
                tensors.get(f"window_{number}"),
            )
            for number, layer in enumerate(self.layers)
        )
        return TransformerState(tensors["past_0"].shape[0], layers, tensors.get("memory_mask"))


@dataclass(frozen=True)
class BoundedState:
    """The same where layers keep states of their own, in place of all keys and values, so that no length of
    a tensor tells the position.
    """

    position: int
    layers: tuple[LayerCache, ...]
    memory_mask: Tensor | None
    attention: Tensor | None = None
    """As that of ``TransformerState``."""
    padded: bool = True
    """As that of ``TransformerState``."""

    def select(self, rows_N: Tensor) -> BoundedState:
        """The hypotheses in ``rows_N``; those of one example stay together and in order of examples."""
        return _selected(self, rows_N)

    def keep(self, examples_B: Tensor) -> BoundedState:
        """Forgets the memories of other examples; ``select`` their hypotheses beforehand."""
        return _of_examples(self, examples_B)


State = TypeVar("State", TransformerState, BoundedState)


def _selected(state: State, rows_N: Tensor) -> State:
    layers = tuple(layer.select(rows_N, filled=state.position) for layer in state.layers)
    return replace(state, layers=layers, attention=None)


def _of_examples(state: State, examples_B: Tensor) -> State:
    if state.memory_mask is None:
        return state
    layers = (layer._replace(memory=_keep(layer.memory, examples_B)) for layer in state.layers)
    return replace(state, layers=tuple(layers), memory_mask=state.memory_mask[examples_B])


AXES: Mapping[str, Axes] = {
    "memory": ("batch", None, None, "memory"),
    "memory_keys": ("batch", None, "memory", None),
    "memory_values": ("batch", None, "memory", None),
    "past": ("position", None, "batch", None, None),
    "window": ("batch", None, None),
}
"""Axes of a state's tensors by the name before the layer's number; ``memory_mask`` is the first."""


def _keep(memory: KeysValues | None, examples_B: Tensor) -> KeysValues | None:
    return None if memory is None else KeysValues(memory.keys[examples_B], memory.values[examples_B])


def empty_cache(layer: nn.Module, memory_BSD: Tensor | None, *, examples: int) -> LayerCache:
    """Nothing read yet; the memory's keys and values are worked out once."""
    assert isinstance(layer, TransformerLayer)
    attention = layer.self_attention
    past = attention.no_past(examples=examples)
    behind = layer.feed_forward.kernel - 1
    norm_D = layer.self_residual.norm.weight
    assert isinstance(norm_D, Tensor)
    window = norm_D.new_zeros(examples, behind, len(norm_D)) if behind else None
    if layer.cross_attention is None or memory_BSD is None:
        return LayerCache(past, None, window)
    return LayerCache(past, layer.cross_attention.remember(memory_BSD), window)


def start_layers(
    layers: Iterable[nn.Module],
    memory_BSD: Tensor | None,
    memory_lengths_B: Tensor | None,
    *,
    examples: int,
) -> TransformerState:
    """Nothing read yet, by any of the layers; ``examples`` is B."""
    caches = tuple(empty_cache(layer, memory_BSD, examples=examples) for layer in layers)
    padded = has_padding(memory_BSD, memory_lengths_B)
    return TransformerState(0, caches, memory_mask(memory_BSD, memory_lengths_B), padded=padded)


def step_layers(
    layers: Sequence[nn.Module] | nn.ModuleList,
    x_ND: Tensor,
    state: State,
    *,
    mask: Tensor | None = None,
    look: bool = False,
) -> tuple[Tensor, State]:
    """One more position through all layers, and the state after it; ``look`` asks the last one for its
    ``attention``.
    """
    caches: list[LayerCache] = []
    attention = None
    for layer, cache in zip(layers, state.layers, strict=True):
        asked = look and layer is layers[-1]
        x_ND, after, attention = step_layer(layer, x_ND, cache, state, mask=mask, look=asked)
        caches.append(after)
    return x_ND, replace(state, position=state.position + 1, layers=tuple(caches), attention=attention)


def step_layer(
    layer: nn.Module,
    x_ND: Tensor,
    cache: LayerCache,
    state: TransformerState | BoundedState,
    *,
    mask: Tensor | None,
    look: bool,
) -> tuple[Tensor, LayerCache, Tensor | None]:
    """The layer's output ``[N, D]``, what it now keeps, and where it looked if ``look`` asks for it."""
    assert isinstance(layer, TransformerLayer)
    ready = None if look else prepared(layer)
    if ready is not None:
        x_ND, past = ready.step(
            x_ND,
            cache.past,
            cache.memory,
            position=state.position,
            mask=mask,
            memory_mask=state.memory_mask if state.padded else None,
        )
        return x_ND, LayerCache(past, cache.memory, None), None
    query = layer.self_residual.before(x_ND)
    more = {} if layer.mixes else {"mask": mask}
    y, past = layer.self_attention.step(query, cache.past, position=state.position, **more)
    cache = cache._replace(past=past)
    x_ND = layer.self_residual.after(x_ND, y)
    attention = None
    if cache.memory is not None and layer.cross_attention is not None and layer.cross_residual is not None:
        query = layer.cross_residual.before(x_ND)
        seen = state.memory_mask if state.padded else None
        y = layer.cross_attention.look(query, cache.memory, mask=seen)
        if look:
            attention = layer.cross_attention.look_weights(query, cache.memory, mask=seen)
        x_ND = layer.cross_residual.after(x_ND, y)
    y, window = layer.feed_forward.step(layer.feed_forward_residual.before(x_ND), cache.window)
    return layer.feed_forward_residual.after(x_ND, y), cache._replace(window=window), attention


def has_padding(memory_BSD: Tensor | None, lengths_B: Tensor | None) -> bool:
    """Whether a memory may be shorter than the others.  Elsewhere than on a CPU asking would mean
    waiting, and what is traced for another runtime is to work for every length.
    """
    if memory_BSD is None or type(lengths_B) is not Tensor or lengths_B.device.type != "cpu":
        return True
    if torch.compiler.is_compiling():
        return True
    return int(lengths_B.min()) < memory_BSD.shape[1]


def memory_mask(memory_BSD: Tensor | None, lengths_B: Tensor | None) -> Tensor | None:
    """``[B, 1, 1, S]``, where there is a memory."""
    if memory_BSD is None or lengths_B is None:
        return None
    return attention_mask(lengths_B, memory_BSD.shape[1])
