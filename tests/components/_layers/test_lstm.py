"""The LSTM layer against torch's own, and its padding, clipping and gradients."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqspec.components._layers.lstm import CellState, Lstm, _Layer


def torch_twin(layer, input_dim, *, bidirectional):
    twin = torch.nn.LSTM(input_dim, layer.dim, batch_first=True, bidirectional=bidirectional)
    with torch.no_grad():
        for direction, suffix in enumerate(("", "_reverse")[: 1 + bidirectional]):
            getattr(twin, f"weight_ih_l0{suffix}").copy_(layer.input_weight_DGI[direction])
            getattr(twin, f"weight_hh_l0{suffix}").copy_(layer.state_weight_DGH[direction])
            getattr(twin, f"bias_ih_l0{suffix}").copy_(layer.bias_DG[direction])
            getattr(twin, f"bias_hh_l0{suffix}").zero_()
    return twin


@pytest.mark.parametrize("cap", [None, 1e6])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_outputs_and_gradients_are_those_of_a_packed_torch_lstm(bidirectional, cap):
    torch.manual_seed(0)
    layer = Lstm(5, 4, bidirectional=bidirectional, forget_bias=1.0, cell_cap=cap)
    twin = torch_twin(layer, 5, bidirectional=bidirectional)
    x, lengths = torch.randn(3, 7, 5), torch.tensor([7, 2, 5])
    weight = torch.randn(3, 7, 4 * (1 + bidirectional))

    ours = layer(x, lengths)
    (ours * weight).sum().backward()
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    theirs = pad_packed_sequence(twin(packed)[0], batch_first=True)[0]
    (theirs * weight).sum().backward()

    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    for direction, suffix in enumerate(("", "_reverse")[: 1 + bidirectional]):
        torch.testing.assert_close(
            layer.input_weight_DGI.grad[direction], getattr(twin, f"weight_ih_l0{suffix}").grad
        )
        torch.testing.assert_close(
            layer.state_weight_DGH.grad[direction], getattr(twin, f"weight_hh_l0{suffix}").grad
        )
        torch.testing.assert_close(layer.bias_DG.grad[direction], getattr(twin, f"bias_ih_l0{suffix}").grad)


@pytest.mark.parametrize("cap", [None, 0.3])
def test_gradient_is_that_of_the_step_by_step_cell(cap):
    torch.manual_seed(1)
    layer = Lstm(3, 4, cell_cap=cap, init_range=2.0)
    x = torch.randn(2, 6, 3, requires_grad=True)
    weight = torch.randn(2, 6, 4)

    whole = layer(x, torch.tensor([6, 6]))
    given = torch.autograd.grad((whole * weight).sum(), [x, *layer.parameters()])
    state, outputs = layer.start(2), []
    for t in range(6):
        state = layer.step(x[:, t], state)
        outputs.append(state.hidden)
    stepped = torch.stack(outputs, dim=1)
    expected = torch.autograd.grad((stepped * weight).sum(), [x, *layer.parameters()])

    torch.testing.assert_close(whole, stepped)
    for one, other in zip(given, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_cell_is_clipped():
    layer = Lstm(1, 2, cell_cap=0.5)
    state = CellState(torch.zeros(1, 2), torch.full((1, 2), 3.0))

    given = layer.step(torch.full((1, 1), 50.0), state)

    assert given.cell.abs().max() <= 0.5


@pytest.mark.parametrize("cap", [None, 10.0])
def test_padding_changes_nothing(cap):
    torch.manual_seed(2)
    layer = Lstm(3, 4, bidirectional=True, cell_cap=cap)
    x = torch.randn(1, 5, 3)
    longer = torch.cat([x, torch.full((1, 4, 3), 1e6)], dim=1)

    given = layer(longer, torch.tensor([5]))

    torch.testing.assert_close(given[:, :5], layer(x, torch.tensor([5])))
    assert (given[:, 5:] == 0).all()


def test_numeric_gradient():
    torch.manual_seed(3)
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    weights = [torch.randn(2, 8, size, dtype=torch.float64, requires_grad=True) for size in (2, 2)]
    bias = torch.randn(2, 8, dtype=torch.float64, requires_grad=True)
    pad = torch.tensor([[False, False, False], [False, True, True]])

    assert torch.autograd.gradcheck(_Layer.apply, (x, pad, *weights, bias, 0.4))


def test_what_stands_at_padded_steps_has_no_gradient():
    torch.manual_seed(4)
    layer = Lstm(3, 4, bidirectional=True)
    x = torch.randn(2, 6, 3)
    x[1, 2:] = float("nan")
    x.requires_grad_()

    layer(x, torch.tensor([6, 2])).sum().backward()

    assert (x.grad[1, 2:] == 0).all()
    assert x.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


def test_in_float16_a_cpu_works_in_float32():
    torch.manual_seed(0)
    layer, x_BTI = Lstm(5, 4), torch.randn(3, 7, 5)
    lengths_B = torch.tensor([7, 2, 5])
    expected, (going_on, _) = layer(x_BTI, lengths_B), layer.run(x_BTI, layer.start(3))

    with torch.autocast("cpu", torch.float16):
        found, (half_going_on, _) = layer(x_BTI.half(), lengths_B), layer.run(x_BTI.half(), layer.start(3))
    found.sum().backward()

    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    torch.testing.assert_close(half_going_on, going_on, atol=1e-3, rtol=0)
    assert layer.bias_DG.grad.isfinite().all()
