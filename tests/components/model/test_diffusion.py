"""Noise, what a network says of it, and the ways back."""

import math

import pytest
import torch

from seqspec.components._layers.diffusion import GaussianProcess
from seqspec.components.metric.diffusion_bound import DiffusionBound
from seqspec.components.search._images import Path
from seqspec.data.batching.batch import Batch
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Mismatch
from seqspec.schema.layers.noise import betas, kept
from seqspec.schema.types import Classes, Denoising, Image, Logits
from tests.components.building import build, count, faults

CORPUS = {"source": Image(1, 8, 8), "target": Classes(3)}
UNET = {"type": "unet", "dim": 8, "multipliers": [1, 2], "num_blocks": 1, "attention_at": [4], "dropout": 0.0}
DIT = {"type": "dit", "dim": 8, "num_layers": 2, "num_heads": 2, "patch": 2}
STEPS = torch.tensor([0, 3, 19])


def batch(rows=3):
    x = torch.rand(rows, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return Batch.pair(x, None, torch.arange(rows) % 3, None, torch.arange(rows))


def search(name, **settings):
    return Catalogue().module("search", name)(Catalogue().config("search", name)(**settings), None)


def test_schedules_are_those_of_the_papers():
    linear, cosine = kept("linear", 1000), kept("cosine", 1000)

    assert [linear[t - 1] for t in (250, 500, 1000)] == pytest.approx([0.5241, 0.0786, 4.04e-5], rel=2e-3)
    assert [cosine[t - 1] for t in (250, 500, 1000)] == pytest.approx([0.8470, 0.4938, 2.4e-9], rel=2e-2)
    assert betas("linear", 1000)[0] == pytest.approx(1e-4)
    assert betas("linear", 1000)[-1] == pytest.approx(0.02)
    assert sum(beta == 0.999 for beta in betas("cosine", 1000)) == 1
    assert kept("linear", 50)[-1] < 1e-3


@pytest.mark.parametrize(
    ("network", "image", "classes", "expected"),
    [
        ({"type": "unet"}, Image(3, 32, 32), 0, 35_746_307),
        ({"type": "unet", "dim": 64}, Image(3, 32, 32), 0, 8_952_067),
        ({"type": "unet", "dim": 32, "multipliers": [1, 2, 2]}, Image(3, 32, 32), 0, 1_624_323),
        ({"type": "dit", "dim": 128, "num_layers": 4, "num_heads": 4, "patch": 4}, Image(3, 32, 32), 10, 1_283_632),
        ({"type": "dit", "dim": 96, "num_layers": 4, "num_heads": 4, "patch": 4}, Image(1, 28, 28), 10, 726_160),
    ],
)  # fmt: skip
def test_networks_have_the_published_number_of_parameters(network, image, classes, expected):
    condition = "class" if classes else "none"
    data = {"type": "diffusion", "network": network, "condition": condition}
    model = build(data, {"source": image, "target": Classes(classes)}, device="meta").model

    assert count(model) == expected


@pytest.mark.parametrize("predicts", ["noise", "velocity"])
def test_what_the_network_should_say_gives_back_the_image(predicts):
    process = GaussianProcess("cosine", 20, predicts=predicts)
    x, noise = torch.rand(3, 1, 4, 4) * 2 - 1, torch.randn(3, 1, 4, 4)

    noisy = process.noisy(x, noise, STEPS)
    image = process.image(noisy, process.wanted(x, noise, STEPS), STEPS)

    ok = STEPS < 19  # at the last step nothing is left of the image, and only the velocity tells it
    torch.testing.assert_close(image[ok], x[ok], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(process.noise(noisy, x, STEPS), noise, atol=1e-3, rtol=1e-3)


def test_the_posterior_is_that_of_two_normal_steps():
    process = GaussianProcess("linear", 20, predicts="noise")
    step, x, noisy = 7, 0.3, -0.8
    prior_mean, prior_variance = math.sqrt(process.kept_T[step - 1]) * x, float(process.lost_T[step - 1])
    beta = float(process.betas_T[step])
    precision = 1 / prior_variance + (1 - beta) / beta
    expected = (prior_mean / prior_variance + math.sqrt(1 - beta) * noisy / beta) / precision

    mean, variance = process.posterior(
        torch.full((1, 1, 1, 1), noisy), torch.full((1, 1, 1, 1), x), torch.tensor([step])
    )

    assert mean.item() == pytest.approx(expected, rel=1e-4)
    assert variance.item() == pytest.approx(1 / precision, rel=1e-4)


@pytest.mark.parametrize(("name", "settings"), [("ddim", {"steps": 5}), ("ddim", {"steps": 20, "eta": 1.0}),
                                                ("ddpm", {}), ("ddpm", {"variance": "small"})])  # fmt: skip
def test_who_knows_the_image_finds_it(name, settings):
    process = GaussianProcess("linear", 20, predicts="noise")
    image = torch.rand(1, 1, 4, 4) * 1.8 - 0.9

    def denoise(x, time):
        return process.noise(x, image.expand_as(x), time.long())

    torch.manual_seed(0)
    found = search(name, **settings)(Path(denoise, None, process), torch.randn(2, 1, 4, 4))

    torch.testing.assert_close(found, image.expand(2, -1, -1, -1), atol=2e-2, rtol=0)


@pytest.mark.parametrize("name", ["euler", "heun"])
def test_a_straight_flow_is_followed_in_one_step_and_a_bent_one_in_several(name):
    image, noise = torch.rand(1, 1, 2, 2), torch.randn(1, 1, 2, 2)
    straight = Path(lambda x, time: noise - image, None, None)
    torch.testing.assert_close(search(name, steps=1)(straight, noise), image)

    bent = Path(lambda x, time: x, None, None)  # dx/dt = x: from 1 to 0 it shrinks by e
    errors = [float((search(name, steps=n)(bent, noise) - noise / math.e).abs().max()) for n in (4, 8)]
    assert errors[1] < errors[0] / (1.8 if name == "euler" else 3.5)


def test_guidance_goes_beyond_the_class():
    path = Path(lambda x, time: x + 1, lambda x, time: x, None)
    x = torch.zeros(1, 1, 1, 1)

    assert [float(path.said(x, 0.0, guidance=w)) for w in (0.0, 1.0, 3.0)] == [0.0, 1.0, 3.0]


@pytest.mark.parametrize("network", [UNET, DIT])
@pytest.mark.parametrize("more", [{}, {"process": "flow", "condition": "class"}])
def test_every_network_learns_and_makes_images(network, more):
    built = build({"type": "diffusion", "network": network, **more}, CORPUS)
    model = built.model
    with torch.no_grad():  # what begins as nothing must be something, for gradients to reach all
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    output = model.outputs(batch())["denoising"]
    (output.given - output.wanted).square().sum().backward()

    told = more.get("condition") == "class"
    assert built.gives == Denoising(64, more.get("process", "gaussian"), of_classes=told)
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())
    model.eval()
    shown = model.show(batch(), search("euler" if more else "ddim", steps=2))["samples"]
    assert [len(shown), shown[0].pixels_CHW.shape] == [32, (1, 8, 8)]
    assert model.decode(batch(), search("heun" if more else "ddim", steps=1))[0][0].kind == "image"


def test_evaluation_asks_each_example_at_a_time_of_its_own():
    model = build({"type": "diffusion", "network": UNET}, CORPUS).model.eval()
    alone = batch()._replace(index=torch.tensor([7, 8, 9]))

    assert torch.equal(model._times(alone)[1:], model._times(alone._replace(index=torch.tensor([8, 9]))))
    assert len(set(model._times(alone).tolist())) == 3


def test_the_bound_is_small_for_a_network_that_knows_and_large_for_one_that_does_not():
    settings = {"type": "diffusion", "network": UNET, "steps": 30, "predicts": "velocity"}
    model = build(settings, CORPUS).model.eval()
    x = (batch(1).source * 255).round() / 255
    one = batch(1).with_values(source=x)

    with torch.no_grad():
        torch.manual_seed(0)
        untrained = float(model.score(one))

        def knows(noisy, step, classes):
            image = x * 2 - 1
            return model.process.wanted(image, model.process.noise(noisy, image, step), step)

        model.network.forward = knows
        torch.manual_seed(0)
        known = float(model.score(one))  # every step
        estimates = [float(model.bound(one, steps=10)) for _ in range(3)]

    assert untrained < -8 * 64 * math.log(2) * 0.5
    # Nothing is left but the prior and the noise of the first step around each value.
    reach = 1 / 255 / math.sqrt(betas("linear", 30)[0])
    expected = 64 * -math.log(math.erf(reach / math.sqrt(2))) + float(model._prior(x * 2 - 1))
    assert -known == pytest.approx(expected, rel=1e-3)
    assert estimates == pytest.approx([expected] * 3, rel=1e-3)


def test_what_does_not_fit_is_told():
    data = {"type": "diffusion", "network": UNET}
    assert "cannot be halved 3 times" in faults({**data, "network": {**UNET, "multipliers": [1, 1, 1, 1]}},
                                                {"source": Image(1, 12, 12)})[0]  # fmt: skip
    assert (
        "no map is 16 pixels high" in faults({**data, "network": {**UNET, "attention_at": [16]}}, CORPUS)[0]
    )
    assert "patches of 3" in faults({**data, "network": {**DIT, "patch": 3}}, CORPUS)[0]
    assert "heads do not divide" in faults({**data, "network": {**DIT, "num_heads": 3}}, CORPUS)[0]
    with pytest.raises(Mismatch, match="another process"):
        Catalogue().config("search", "ddim")().output(Denoising(4, "flow"))
    with pytest.raises(Mismatch, match="makes images of noise"):
        Catalogue().config("search", "euler")().output(Logits(4))
    with pytest.raises(Mismatch, match="gaussian process"):
        Catalogue().config("metric", "diffusion_bound")().output({"given": Denoising(4, "flow")})
    metric = DiffusionBound(Catalogue().config("metric", "diffusion_bound")(), {"given": Denoising(4)})
    metric.update(4 * math.log(2) * 3)
    assert metric.compute() == {"diffusion_bound": pytest.approx(3.0)}
