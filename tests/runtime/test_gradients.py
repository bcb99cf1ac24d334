from __future__ import annotations

import math

import pytest
import torch

from seqspec.runtime.checkpoints.model_tensors import load_tensors, state_tensors
from seqspec.runtime.training.gradients import Gradients, NormTracker
from seqspec.runtime.training.weights import Average, Noise
from seqspec.schema.sections.train import AdaptiveClip, Train


def gradients_of(values: list[float], **train) -> tuple[torch.nn.Parameter, Gradients]:
    weight = torch.nn.Parameter(torch.ones(1, len(values)))
    weight.grad = torch.tensor([values])
    return weight, Gradients(Train(max_steps=1, **train), [weight])


def test_the_norm_is_cut_down_to_its_bound():
    weight, gradients = gradients_of([3.0, 4.0], clip_norm=1.0)

    verdict = gradients.finish()

    assert verdict.norm == pytest.approx(5.0)
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, torch.tensor([[0.6, 0.8]]))


def test_elements_are_cut_before_the_norm_is_taken():
    _, gradients = gradients_of([3.0, -4.0], clip_value=1.0)

    assert gradients.finish().norm == pytest.approx(math.sqrt(2))


def test_the_penalty_enters_the_norm():
    _, gradients = gradients_of([0.0, 0.0], l2=0.5)

    assert gradients.finish().norm == pytest.approx(0.5 * math.sqrt(2))


def test_a_step_with_a_large_norm_is_dropped():
    assert not gradients_of([300.0], zero_above_norm=100.0)[1].finish().update
    assert gradients_of([99.0], zero_above_norm=100.0)[1].finish().update


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_is_no_update(bad):
    verdict = gradients_of([bad, 1.0], clip_norm=1.0)[1].finish()

    assert (verdict.update, verdict.finite) == (False, False)


def test_an_outlier_is_dropped_and_hardly_moves_the_mean():
    tracker = NormTracker(AdaptiveClip(decay=0.99, threshold=5.0))
    generator = torch.Generator().manual_seed(1)
    norms = (0.1 * torch.randn(300, generator=generator)).exp().tolist()
    normal = [tracker.outlier(norm) for norm in norms]
    before = tracker.mean / tracker.weight

    assert tracker.outlier(1e6)

    assert not any(normal)
    assert tracker.mean / tracker.weight - before < 0.1


def test_noise_is_taken_away_exactly():
    model = torch.nn.Linear(3, 3)
    before = [p.detach().clone() for p in model.parameters()]
    noise = Noise(model, std=0.1)

    noise.add()
    assert not torch.equal(model.weight, before[0])
    noise.remove()

    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))


def test_the_average_follows_its_formula_and_gives_the_weights_back():
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 1.0)
    average = Average(model, 0.9)
    torch.nn.init.constant_(model.weight, 2.0)

    average.update()

    with average.in_place():
        assert model.weight.item() == pytest.approx(1.1)
    assert model.weight.item() == 2.0


def test_tied_weights_are_kept_once_and_restored_as_one():
    model = torch.nn.ModuleDict({name: torch.nn.Linear(2, 2, bias=False) for name in "ab"})
    model["b"].weight = model["a"].weight

    kept = {name: tensor + 1 for name, tensor in state_tensors(model).items()}
    load_tensors(model, kept)

    assert list(kept) == ["a.weight"]
    assert torch.equal(model["b"].weight, kept["a.weight"])


def test_weights_of_another_model_are_refused():
    with pytest.raises(ValueError, match="lacks"):
        load_tensors(torch.nn.Linear(2, 2), {"weight": torch.zeros(2, 2)})
