"""What every encoder and decoder promises, over the folder listing: a new file is tested the moment it exists."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor

from seqspec.schema.types import Frames, Image, Nothing, Points, States, Tokens, Vector
from tests.components.contracts import CATALOGUE, Built, built, planned

torch.set_num_threads(1)

ENCODERS = CATALOGUE.names("encoder")
DECODERS = CATALOGUE.names("decoder")
LONG, SHORT = 12, 7
TOLERANCE: dict[str, Any] = {"atol": 1e-4, "rtol": 1e-4}
"""Rounding in float32 over some layers."""


def encoder(name: str) -> Built:
    return built("encoder", name)


def inputs(part: Built, count: int = 2, size: int = LONG) -> tuple[Tensor, Tensor | None]:
    torch.manual_seed(2)
    match part.takes:
        case Image(channels, height, width):
            return torch.rand(count, channels, height, width), None
        case Points(dim):
            return torch.randn(count, 32, dim), torch.full((count,), 32)
        case Frames() | States():
            return torch.randn(count, size, part.takes.dim), torch.full((count,), size)
        case Tokens(vocab):
            assert isinstance(vocab, int)
            return torch.randint(3, vocab, (count, size)), torch.full((count,), size)
    raise AssertionError(part.takes)


def run(part: Built, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    beside: dict[str, Tensor] = {}
    torch.manual_seed(3)
    given = part.module(x, lengths, auxiliary=beside) if part.auxiliary else part.module(x, lengths)
    states, found = given
    return states, found


def is_sequence(name: str) -> bool:
    found = planned("encoder", name)
    return (
        found is not None and isinstance(found[2], States) and isinstance(found[1], Frames | States | Tokens)
    )


SEQUENCES = [name for name in ENCODERS if is_sequence(name)]


@pytest.mark.parametrize("name", ENCODERS)
def test_what_an_encoder_gives_is_what_its_config_declares(name: str) -> None:
    part = encoder(name)
    x, lengths = inputs(part)
    states, found = run(part, x, lengths)
    if isinstance(part.gives, Vector):
        assert states.shape == (2, part.gives.dim)
        return
    if isinstance(part.gives, Image):
        assert states.shape == (2, part.gives.channels, part.gives.height, part.gives.width)
        return
    if isinstance(part.gives, Points):
        assert states.shape == (*x.shape[:2], part.gives.dim)
        return
    assert isinstance(part.gives, States)
    assert states.shape[2] == part.gives.dim
    if name in SEQUENCES:
        assert found is not None
        assert states.shape[1] == (part.gives.size or -(-LONG // part.gives.stride))
        if part.gives.size:
            return
        # A convolution without padding has no state for what fills no window of its own.
        assert states.shape[1] - 1 <= int(found.max()) <= states.shape[1]


def leak(part: Built) -> float:
    """How much what lies beyond the length of an example changes its states, as a share of the largest."""
    part.module.eval()
    x, _ = inputs(part)
    lengths = torch.tensor([LONG, SHORT])
    with torch.no_grad():
        alone, own = run(part, x[1:, :SHORT], torch.tensor([SHORT]))
    assert own is not None
    for beyond in (0, 4) if isinstance(part.takes, Tokens) else (0.0, 100.0):
        padded = x.clone()
        padded[1, SHORT:] = beyond
        with torch.no_grad():
            states, found = run(part, padded, lengths)
        assert found is not None
        assert int(found[1]) == int(own[0])
        off = (states[1, : int(own[0])] - alone[0, : int(own[0])]).abs().max() / alone.abs().max().clamp(
            min=1e-6
        )
        if float(off) > 1e-4:
            return float(off)
    return 0.0


@pytest.mark.parametrize("name", SEQUENCES)
def test_padding_changes_nothing_before_it(name: str) -> None:
    assert leak(encoder(name)) == 0.0


@pytest.mark.parametrize("name", SEQUENCES)
def test_an_encoder_without_its_masks_would_be_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above has to fail for an encoder that takes every length for the longest one."""
    part = encoder(name)
    forward = part.module.forward

    def unmasked(x: Tensor, lengths: Tensor | None, **more: Any) -> tuple[Tensor, Tensor | None]:
        assert lengths is not None
        states, _ = forward(x, torch.full_like(lengths, x.shape[1]), **more)
        return states, forward(x, lengths, **more)[1]

    monkeypatch.setattr(part.module, "forward", unmasked)
    sees_ahead = not part.gives.causal
    assert (leak(part) > 1e-4) == sees_ahead


@pytest.mark.parametrize("name", ENCODERS)
def test_gradients_reach_every_parameter(name: str) -> None:
    part = encoder(name)
    x, lengths = inputs(part, count=4)
    part.module.train()
    states, _ = run(part, x, lengths)
    (states * torch.randn_like(states)).sum().backward()
    without = [
        key
        for key, p in part.module.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.isfinite().all())
    ]
    assert without == []


@pytest.mark.parametrize("name", ENCODERS)
def test_the_seed_decides_an_encoder_s_weights(name: str) -> None:
    one, other = encoder(name).module.state_dict(), encoder(name).module.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


MEMORY = States(24)


def decoder(name: str) -> Built:
    target = Tokens(19)
    return built("decoder", name, tuple({"target": target, "memory": one} for one in (MEMORY, Nothing())))


def read(part: Built, ids: Tensor, memory: Tensor, lengths: Tensor) -> Tensor:
    wants = part.takes["memory"]
    beside: dict[str, Tensor] = {}
    more = {"auxiliary": beside} if part.auxiliary else {}
    torch.manual_seed(3)
    with torch.no_grad():
        given = (
            part.module(ids, **more)
            if isinstance(wants, Nothing)
            else part.module(ids, memory, lengths, **more)
        )
    assert isinstance(given, Tensor)
    return given


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_sees_neither_the_future_nor_the_padding_of_its_memory(name: str) -> None:
    part = decoder(name)
    part.module.eval()
    torch.manual_seed(2)
    ids = torch.randint(4, 19, (2, 10))
    ids[:, 0] = 2
    memory, lengths = torch.randn(2, LONG, 24), torch.tensor([LONG, SHORT])
    expected = read(part, ids, memory, lengths)
    assert isinstance(part.gives, States)
    assert expected.shape == (2, 10, part.gives.dim)
    later = ids.clone()
    later[:, 6:] = 4 + (later[:, 6:] - 3) % 14
    torch.testing.assert_close(read(part, later, memory, lengths)[:, :6], expected[:, :6], **TOLERANCE)
    garbage = memory.clone()
    garbage[1, SHORT:] = 100.0
    torch.testing.assert_close(read(part, ids, garbage, lengths), expected, **TOLERANCE)


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_s_steps_are_what_it_reads_at_once(name: str) -> None:
    part = decoder(name)
    module = part.module.eval()
    if "start" not in dict(inspect.getmembers(module, inspect.ismethod)):
        pytest.skip(f"`{name}` writes nothing step by step")
    torch.manual_seed(2)
    ids = torch.randint(4, 19, (2, 6))
    ids[:, 0] = 2
    memory, lengths = torch.randn(2, LONG, 24), torch.tensor([LONG, SHORT])
    expected = read(part, ids, memory, lengths)
    none = isinstance(part.takes["memory"], Nothing)
    with torch.no_grad():
        state = module.start(None if none else memory, None if none else lengths, examples=2)
        for place in range(ids.shape[1]):
            hidden, state = module.step(ids[:, place], state)
            torch.testing.assert_close(hidden, expected[:, place], **TOLERANCE)
