"""What losses of tokens and labels promise."""

# N targets, D width, V classes or vocabulary

from __future__ import annotations

from typing import Any

from seqspec.schema.types import PAD, Classes, Counted, Logits, States, Tokens, Type, Vector
from seqspec.testing.construction import Source, Written, built

_WIDTH = 8
_TOKENS = Logits(19)


def check_loss(plugin: str, written: Written, *, source: Logits = _TOKENS) -> None:
    """What a loss of one score a target promises, ``criterion(hidden, labels, head)``.

    ``source`` is ``Logits(19)`` for tokens, and ``Logits(5, stride=0)`` for one label an example.  Sum and
    terms are finite scalars; the count is that of the targets; padding of tokens counts nothing; the losses
    of examples add up, unless ``whole_batch`` says otherwise; a step against the gradient makes it less.
    """
    import torch

    found = built(plugin, "loss", written, (source,))
    counted = found.config.counts(found.gives if isinstance(found.gives, Type) else source)
    assert isinstance(counted, Counted), f"`counts` gives {counted!r}, not what the sum is divided by"
    torch.manual_seed(2)
    head = _head(plugin, source)
    assert isinstance(source.vocab, int)
    shape = (2, 6) if source.stride else (4,)
    hidden, labels = (
        torch.randn(*shape, _WIDTH),
        torch.randint(4 if source.stride else 0, source.vocab, shape),
    )
    if source.stride:
        labels[1, 4:] = PAD
    criterion = found.part.train()
    real = int((labels != PAD).sum()) if source.stride else labels.numel()
    loss = _checked(criterion(hidden, labels, head), real)
    _check_descent(criterion, hidden, labels, head)
    if source.stride:
        other = hidden.clone()
        other[1, 4:] = 100.0
        torch.testing.assert_close(
            criterion(other, labels, head).total, loss.total,
            msg=lambda told: f"what stands at padding changes the loss: {told}",
        )  # fmt: skip
    if not getattr(criterion, "whole_batch", False):
        parts = [criterion(hidden[i : i + 1], labels[i : i + 1], head).total for i in range(len(labels))]
        torch.testing.assert_close(
            torch.stack(parts).sum(), loss.total,
            msg=lambda told: f"the losses of examples do not add up to the batch's: {told}",
        )  # fmt: skip


def _head(plugin: str, source: Logits) -> Any:
    """The plainest head that gives ``source``."""
    takes: Source = (
        {"hidden": States(_WIDTH), "target": Tokens(source.vocab)}
        if source.stride
        else {"hidden": Vector(_WIDTH), "target": Classes(source.vocab)}
    )
    return built(plugin, "head", "linear", (takes,)).part


def _checked(loss: Any, targets: int) -> Any:
    for name, value in {"total": loss.total, "count": loss.count, **loss.terms}.items():
        assert value.ndim == 0, f"`{name}` is no scalar, its shape is {tuple(value.shape)}"
        assert value.isfinite(), f"`{name}` is {value.item()}"
    assert int(loss.count) == targets, f"it counts {int(loss.count)} targets of {targets}"
    return loss


def _check_descent(criterion: Any, hidden: Any, labels: Any, head: Any) -> None:
    import torch

    moved = hidden.clone().requires_grad_()
    before = criterion(moved, labels, head).total
    (slope,) = torch.autograd.grad(before, moved)
    assert slope.isfinite().all(), "the gradient is not finite"
    assert slope.abs().sum() > 0, "no gradient reaches what the model gives"
    after = criterion(hidden - 1e-3 * slope / slope.norm(), labels, head).total
    assert after < before, f"a step against the gradient takes it from {before.item():g} to {after.item():g}"
