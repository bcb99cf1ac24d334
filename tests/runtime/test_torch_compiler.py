"""The compiler is left out until it is asked for, and then nothing is missing."""

import subprocess
import sys

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from seqspec.runtime.devices.torch_compiler import clear_gradients, update

LATER = """
import sys
from seqspec.runtime.training.lightning_import import lightning
from seqspec.runtime.devices.torch_compiler import plain_bookkeeping, update
import torch
plain_bookkeeping()
layer = torch.nn.Linear(2, 2)
adam = torch.optim.Adam(layer.parameters())
layer(torch.ones(1, 2)).sum().backward()
update(adam)
adam.zero_grad()
assert "torch._dynamo" not in sys.modules
from lightning.fabric.wrappers import _unwrap_compiled
assert _unwrap_compiled(layer)[0] is layer
compiled = torch.compile(layer, backend="eager")
assert _unwrap_compiled(compiled)[0] is layer
assert torch.equal(compiled(torch.ones(1, 2)), layer(torch.ones(1, 2)))
adam.zero_grad()
assert "torch._dynamo" in sys.modules
"""


def test_what_was_deferred_works_once_something_is_compiled():
    done = subprocess.run([sys.executable, "-c", LATER], capture_output=True, text=True)

    assert not done.returncode, done.stderr


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop])
def test_an_update_has_the_bits_of_the_optimisers_own(kind):
    moved = []
    for step in (update, kind.step):
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 3)
        optimizer = kind(layer.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            layer(torch.ones(1, 3)).square().sum().backward()
            step(optimizer)
        moved.append(layer.weight)

    assert torch.equal(*moved)


def test_hooks_of_an_optimiser_are_called():
    layer, called = torch.nn.Linear(3, 3), []
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    optimizer.register_step_post_hook(lambda *_: called.append(1))

    update(optimizer)

    assert called == [1]


def test_hooks_of_all_optimisers_are_called():
    layer, called = torch.nn.Linear(3, 3), []
    hook = register_optimizer_step_post_hook(lambda *_: called.append(1))
    try:
        update(torch.optim.SGD(layer.parameters(), lr=0.1))
    finally:
        hook.remove()

    assert called == [1]


def test_gradients_are_cleared_as_the_optimiser_would():
    class Own(torch.optim.SGD):
        def zero_grad(self, set_to_none=True):
            super().zero_grad(set_to_none=False)

    gradients = []
    for kind in (torch.optim.SGD, Own):
        layer = torch.nn.Linear(3, 3)
        layer(torch.ones(1, 3)).sum().backward()
        clear_gradients(kind(layer.parameters(), lr=0.1))
        gradients.append(layer.weight.grad)

    assert gradients[0] is None
    assert not gradients[1].any()
