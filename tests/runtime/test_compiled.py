"""``--compile``: what is compiled gives the same numbers, and what cannot be compiled runs all the same."""

import pytest
import torch

from seqspec.runtime.training.losses.compiled_loss import CompiledLoss


def loss(x, weight):
    """With dropout before what may fail, so that a second attempt has to draw the same."""
    return (torch.nn.functional.dropout(x, 0.5) @ weight).square().sum()


def plain_compile(backend):
    """``torch.compile`` with another backend than the one that needs a C++ compiler."""
    compile = torch.compile
    return lambda function, dynamic: compile(function, dynamic=dynamic, backend=backend)


def test_lengths_that_change_give_what_the_model_gives(monkeypatch, capsys):
    monkeypatch.setattr(torch, "compile", plain_compile("eager"))
    compiled, weight = CompiledLoss(loss), torch.randn(4, 2, requires_grad=True)

    for rows in (3, 5, 9):
        x = torch.randn(rows, 4)
        torch.manual_seed(rows)
        given = compiled(x, weight)
        torch.manual_seed(rows)
        torch.testing.assert_close(given, loss(x, weight))
        given.backward()

    assert "cannot" not in capsys.readouterr().err


def test_what_cannot_be_compiled_is_told_in_a_line_and_runs(monkeypatch, capsys):
    def broken(graph, inputs):
        raise OSError("no compiler is installed\nTraceback of a compiler")

    monkeypatch.setattr(torch, "compile", plain_compile(broken))
    compiled, weight, x = CompiledLoss(loss), torch.randn(4, 2, requires_grad=True), torch.randn(3, 4)

    torch.manual_seed(1)
    given = [compiled(x, weight), compiled(x, weight)]
    torch.manual_seed(1)
    expected = [loss(x, weight), loss(x, weight)]

    torch.testing.assert_close(given, expected)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "runs as it is" in told[1]
    assert "no compiler is installed" in told[1]


def test_a_mistake_of_the_model_is_not_the_compilers(monkeypatch):
    monkeypatch.setattr(torch, "compile", plain_compile("eager"))
    compiled = CompiledLoss(loss)
    compiled._compiled = lambda *given: loss(*given)

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        compiled(torch.randn(3, 4), torch.randn(5, 2))
