"""A recurrence as a scan gives what the steps give, at any length."""

import torch

from seqspec.components._layers.recurrent import recurrent


def test_any_length_gives_the_same():
    torch.manual_seed(0)
    layer = recurrent("gru", 3, 4, bidirectional=True).eval()
    x, lengths = torch.randn(2, 5, 3), torch.tensor([5, 3])
    vary = torch.export.Dim.DYNAMIC
    with torch.no_grad():
        program = torch.export.export(layer, (x, lengths), dynamic_shapes=({0: vary, 1: vary}, {0: vary}))
        module = program.module()

        for size in (5, 9):
            x, lengths = torch.randn(3, size, 3), torch.tensor([size, 2, 1])
            torch.testing.assert_close(module(x, lengths), layer(x, lengths))
