"""Compressive memory: who sees what, and which gradient reaches what."""

from __future__ import annotations

import torch

from tests.components.self_attention.attention_parts import EXACT, made, states

KEYS = {"segment": 8, "memory": 8, "compressed": 4, "rate": 4}


def test_without_anything_compressed_it_is_transformer_xl():
    module = made("compressive", causal=True, **KEYS)
    xl = made("transformer_xl", causal=True, segment=8, memory=8)
    xl.load_state_dict({k: v for k, v in module.state_dict().items() if not k.startswith("compress.")})
    x_BTD = states(16)

    torch.testing.assert_close(module(x_BTD), xl(x_BTD), **EXACT)
    assert not torch.allclose(module(states(32))[:, 24:], xl(states(32))[:, 24:], atol=1e-3)


def test_it_reaches_memory_and_compressed_positions_and_no_farther():
    module = made("compressive", causal=True, **KEYS)
    x_BTD = states(64)
    with torch.no_grad():
        given = module(x_BTD)
        reached = []
        for place in range(0, 64, 4):
            other = x_BTD.clone()
            other[:, place] += 1.0
            moved = not torch.allclose(module(other)[:, 50], given[:, 50], atol=1e-7)
            reached += [place] if moved else []

    # Segment of 50: 48 to 55; memory 40 to 47; four slots of four positions before that.
    assert reached == list(range(24, 52, 4))


def test_the_task_does_not_teach_the_convolution_and_its_loss_nothing_else():
    module = made("compressive", causal=True, **KEYS).train()
    x_BTD = states(40).requires_grad_()
    beside = {"reconstruction": torch.ones(2)}
    given = module(x_BTD, auxiliary=beside)

    given.square().sum().backward(retain_graph=True)
    by_task = {name for name, p in module.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    module.zero_grad()
    x_BTD.grad = None
    beside["reconstruction"].sum().backward()
    by_loss = {name for name, p in module.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}

    assert beside["reconstruction"].shape == (2,)
    assert (beside["reconstruction"] > 1).all()
    assert by_loss == {"compress.weight", "compress.bias"}
    assert not by_task & by_loss
    assert {"key.weight", "value.weight"} <= by_task
    assert x_BTD.grad is None
    assert all(p.requires_grad for p in module.parameters())


def test_training_the_loss_makes_compression_better():
    module = made("compressive", causal=True, **KEYS)
    optimizer = torch.optim.Adam(module.compress.parameters(), 1e-2)
    x_BTD, losses = states(64, rows=4), []
    for _ in range(30):
        beside: dict[str, torch.Tensor] = {}
        module(x_BTD, auxiliary=beside)
        loss = beside["reconstruction"].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < 0.5 * losses[0]
