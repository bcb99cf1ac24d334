"""What encoders, embeddings and decoders promise."""

# B batch, T frames or ids, S states of a memory, U ids of a target, D width

from __future__ import annotations

import inspect
from typing import Any

from seqspec.schema.types import BOS, Frames, States, Tokens, Type
from seqspec.testing.construction import Built, Written, built, gradient_reaches

_FRAMES = Frames(24, 100)
_IDS = Tokens(19)
_MEMORY = States(24)
_LONG, _SHORT = 12, 7
"""Places of the two examples that a module is shown, the shorter one padded."""
_TOLERANCE = 1e-4
"""Sums over places are taken in other orders where a part is read alone."""


def check_encoder(plugin: str, written: Written, *, source: Frames | States = _FRAMES) -> None:
    """What every encoder of frames or states promises: it gives the type that its config declares, what lies
    beyond an example's length changes nothing, gradients reach every parameter, every key is read, the seed
    decides.  ``written`` is what stands in a spec, with dropout off.
    """
    found = built(plugin, "encoder", written, (source,))
    _check_states(found.part, source=source, gives=found.gives)


def _check_states(module: Any, *, source: Frames | States, gives: Type) -> None:
    import torch

    torch.manual_seed(2)
    x_BTD, lengths_B = torch.randn(2, _LONG, source.dim), torch.tensor([_LONG, _SHORT])
    x_BTD[1, _SHORT:] = 100.0
    states_BSD, own_B = module.train()(x_BTD, lengths_B)
    (states_BSD * torch.randn_like(states_BSD)).sum().backward()
    gradient_reaches(module)
    assert isinstance(gives, States), (
        f"`check_encoder` is for encoders that give States, and it gives {gives}"
    )
    assert states_BSD.shape[2] == gives.dim, (
        f"it gives {states_BSD.shape[2]} features, declared are {gives.dim}"
    )
    longest = -(-_LONG // gives.stride)
    assert states_BSD.shape[1] == longest, (
        f"{_LONG} frames give {states_BSD.shape[1]} states, declared are {longest}"
    )
    with torch.no_grad():
        padded_BSD, _ = module.eval()(x_BTD, lengths_B)
        alone_BSD, _ = module(x_BTD[1:, :_SHORT], lengths_B[1:])
    size = int(own_B[1])
    _require_equal(
        padded_BSD[1, :size],
        alone_BSD[0, :size],
        why="what lies beyond an example's length changes its states",
    )


def check_embedding(plugin: str, written: Written, *, source: Tokens = _IDS) -> None:
    """What every embedding of ids promises: ``[B, T]`` ids give ``[B, T, D]`` of the declared width, ids that
    follow change nothing before them, and what holds of every module: gradients, keys, seed.
    """
    import torch

    found = built(plugin, "embedding", written, (source,))
    ids_BT = _ids(source, (2, _LONG))
    x_BTD = found.part.train()(ids_BT)
    (x_BTD * torch.randn_like(x_BTD)).sum().backward()
    gradient_reaches(found.part)
    assert isinstance(found.gives, Frames), (
        f"`check_embedding` is for those of ids, and it gives {found.gives}"
    )
    shape = (2, _LONG, found.gives.dim)
    assert tuple(x_BTD.shape) == shape, f"it gives {tuple(x_BTD.shape)}, declared is {shape}"
    with torch.no_grad():
        whole, part = found.part.eval()(ids_BT), found.part(ids_BT[:, :_SHORT])
    _require_equal(whole[:, :_SHORT], part, why="ids that follow change what stands before them")


def check_decoder(plugin: str, written: Written, *, target: Tokens = _IDS, memory: Type = _MEMORY) -> None:
    """What every decoder promises: the declared width, no sight of later ids nor of the padding of its
    memory, and, where it writes step by step, the states that it gives when it reads all at once.
    ``memory`` is ``Nothing()`` for a language model's.
    """
    import torch

    found = built(plugin, "decoder", written, ({"target": target, "memory": memory},))
    assert isinstance(found.gives, States), f"a decoder gives States, and it declares {found.gives}"
    ids_BU = _ids(target, (2, 10))
    ids_BU[:, 0] = BOS
    hidden_BUD = _read(found, ids_BU, padding=0.0, train=True)
    shape = (2, 10, found.gives.dim)
    assert tuple(hidden_BUD.shape) == shape, f"it gives {tuple(hidden_BUD.shape)}, declared is {shape}"
    (hidden_BUD * torch.randn_like(hidden_BUD)).sum().backward()
    gradient_reaches(found.part)
    with torch.no_grad():
        hidden_BUD = _read(found, ids_BU, padding=0.0)
        later_BU = torch.cat([ids_BU[:, :6], ids_BU[:, 6:].flip(0)], dim=1)
        _require_equal(
            _read(found, later_BU, padding=0.0)[:, :6],
            hidden_BUD[:, :6],
            why="a later id changes an earlier state",
        )
        _require_equal(
            _read(found, ids_BU, padding=100.0),
            hidden_BUD,
            why="the padding of the memory changes its states",
        )
        if "start" in dict(inspect.getmembers(found.part, inspect.ismethod)):
            _check_steps(found, ids_BU, hidden_BUD)


def _memory(found: Built, padding: float) -> tuple[Any, Any]:
    """``[2, S, D]`` states and their lengths, or nothing, as the decoder takes."""
    import torch

    wants = found.takes["memory"] if not isinstance(found.takes, Type) else found.takes
    if not isinstance(wants, States):
        return None, None
    generator = torch.Generator().manual_seed(3)
    memory_BSD = torch.randn(2, _LONG, wants.dim, generator=generator)
    memory_BSD[1, _SHORT:] = padding
    return memory_BSD, torch.tensor([_LONG, _SHORT])


def _read(found: Built, ids_BU: Any, *, padding: float, train: bool = False) -> Any:
    memory_BSD, lengths_B = _memory(found, padding)
    beside: dict[str, Any] = {"auxiliary": {}} if getattr(found.part, "auxiliary", ()) else {}
    given = () if memory_BSD is None else (memory_BSD, lengths_B)
    return found.part.train(train)(ids_BU, *given, **beside)


def _check_steps(found: Built, ids_BU: Any, hidden_BUD: Any) -> None:
    state = found.part.start(*_memory(found, 0.0), examples=2)
    for place in range(ids_BU.shape[1]):
        step_BD, state = found.part.step(ids_BU[:, place], state)
        _require_equal(step_BD, hidden_BUD[:, place], why=f"step {place + 1} is not what it reads at once")


def _require_equal(one: Any, other: Any, *, why: str) -> None:
    import torch

    try:
        torch.testing.assert_close(one, other, atol=_TOLERANCE, rtol=_TOLERANCE)
    except AssertionError as error:
        raise AssertionError(f"{why}: {error}") from None


def _ids(type_: Tokens, shape: tuple[int, int]) -> Any:
    import torch

    assert isinstance(type_.vocab, int)
    return torch.randint(4, type_.vocab, shape, generator=torch.Generator().manual_seed(2))
