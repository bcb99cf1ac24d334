"""Our recurrent cells and torch's, with the same weights, give the same numbers to within 1e-5."""

import pytest
import torch
from torch import nn

from seqspec.components._layers.recurrent import GruCell, LstmCell, Recurrent

torch.set_num_threads(1)


def test_gru_equals_torch():
    torch.manual_seed(0)
    cell, theirs = GruCell(5, 4, init_range=None), nn.GRU(5, 4, batch_first=True)
    with torch.no_grad():
        cell.input_bias_G.normal_()
        cell.new_bias_H.normal_()
        theirs.weight_ih_l0.copy_(cell.input_weight_GI)
        theirs.weight_hh_l0.copy_(cell.state_weight_GH)
        theirs.bias_ih_l0.copy_(cell.input_bias_G)
        theirs.bias_hh_l0.copy_(torch.cat([torch.zeros(8), cell.new_bias_H]))
    x = torch.randn(2, 6, 5)

    torch.testing.assert_close(Recurrent([cell])(x, torch.tensor([6, 6])), theirs(x)[0], atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_projected_lstm_equals_torch():
    torch.manual_seed(0)
    cell = LstmCell(5, 4, norm=False, projected_dim=3, forget_bias=1.0, init_range=None)
    theirs = nn.LSTM(5, 4, batch_first=True, proj_size=3)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(cell.input_weight_GI)
        theirs.weight_hh_l0.copy_(cell.state_weight_GP)
        theirs.bias_ih_l0.copy_(cell.bias_G)
        theirs.bias_hh_l0.zero_()
        theirs.weight_hr_l0.copy_(cell.project_PH)
    x = torch.randn(2, 6, 5)

    torch.testing.assert_close(Recurrent([cell])(x, torch.tensor([6, 6])), theirs(x)[0], atol=1e-5, rtol=1e-5)


def test_layer_norm_cell_normalises_each_gate():
    torch.manual_seed(0)
    cell = LstmCell(5, 8, norm=True, projected_dim=None, forget_bias=0.0, init_range=None)
    state = cell.start(2)
    big = cell.advance(cell.read(torch.full((2, 5), 1e6)), state)
    bigger = cell.advance(cell.read(torch.full((2, 5), 1e8)), state)

    torch.testing.assert_close(big.hidden, bigger.hidden, atol=1e-4, rtol=1e-4)
