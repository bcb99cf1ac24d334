"""What replicas send: how long it is, what it still says, and that it hides nothing."""

import math

import pytest
import torch

from seqspec.runtime.training.strategies.replica_messages import form_bytes, packed, unpacked
from seqspec.schema.procedure._procedure import BLOCK, LEVELS, Apart

SIZES = ((0,), (1,), (3, 7), (BLOCK,), (BLOCK + 1,), (2, 3, 200))


def sent(values, form):
    forms = [form] * len(values)
    message = packed(values, forms)
    assert message.dtype == torch.uint8
    assert len(message) == sum(form_bytes(one.numel(), form) for one in values)
    return unpacked(message, values, forms)


@pytest.mark.parametrize("form", ["float32", "bfloat16", "int8", "int4"])
def test_every_size_comes_back_in_its_shape(form):
    torch.manual_seed(1)
    values = [torch.randn(size) * 1e-3 for size in SIZES]

    for before, after in zip(values, sent(values, form), strict=True):
        assert after.shape == before.shape
        largest = before.abs().amax() if before.numel() else 0.0
        step = {"float32": 0.0, "bfloat16": 2**-8}.get(form) if form not in LEVELS else 0.5 / LEVELS[form]
        assert ((after - before).abs() <= largest * step * (1 + 1e-6)).all()


@pytest.mark.parametrize(("form", "levels"), [("int8", 127), ("int4", 7)])
def test_numbers_of_the_form_come_back_as_they_were(form, levels):
    whole = torch.arange(-levels, levels + 1).float()

    (after,) = sent([whole], form)

    assert after.tolist() == whole.tolist()


def test_halves_go_to_the_even_number():
    (after,) = sent([torch.tensor([7.0, 0.5, 1.5, 2.5, -0.5, -1.5])], "int4")

    assert after.tolist() == [7.0, 0.0, 2.0, 2.0, 0.0, -2.0]


def test_each_block_has_a_scale_of_its_own():
    values = torch.cat([torch.full((BLOCK,), 1e-6), torch.full((BLOCK,), 1e3)])

    torch.testing.assert_close(sent([values], "int4")[0], values, rtol=1e-6, atol=0)


@pytest.mark.parametrize("size", SIZES)
def test_signs_come_back_with_the_mean_magnitude_of_their_block(size):
    torch.manual_seed(1)
    values = torch.randn(size) * 1e-3

    (after,) = sent([values], "sign")

    for before, block in zip(values.view(-1).split(BLOCK), after.view(-1).split(BLOCK), strict=True):
        torch.testing.assert_close(block, before.sign() * before.abs().mean(), rtol=1e-6, atol=0)


def test_a_sign_takes_a_bit():
    assert form_bytes(BLOCK, "sign") == BLOCK // 8 + 4
    assert form_bytes(9, "sign") == 2 + 4
    assert Apart(2, 4, 0, 1.0, 0.0, "sign").value_bytes * BLOCK == form_bytes(BLOCK, "sign")


@pytest.mark.parametrize("form", ["float32", "bfloat16", "int8", "int4", "sign"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_not_hidden(form, bad):
    (after,) = sent([torch.tensor([1.0, bad])], form)

    assert not after[1].isfinite()


def test_messages_of_several_forms_are_told_apart():
    values = [torch.tensor([1.0, -2.0, 3.0]), torch.tensor([0.1, 0.2]), torch.tensor([4.0])]
    forms = ["int4", "float32", "bfloat16"]

    after = unpacked(packed(values, forms), values, forms)

    assert after[1].tolist() == values[1].tolist()
    assert after[2].tolist() == [4.0]
