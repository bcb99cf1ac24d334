"""Weights as a term of the objective: its value, its parts, its place beside the others, its bits."""

import pytest
import torch

from seqspec.components.loss.l2 import L2
from seqspec.schema.loss.l2 import L2Config

SPEC = """
seqspec: 1
name: small_weights
data:
  source: {type: bitext, synthetic: 40, source_language: de, target_language: en}
  text: {source: {tokenizer: {type: characters}}, target: {tokenizer: {type: characters}}}
  batch: {unit: examples, size: 8}
model:
  type: encoder_decoder
  encoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2}
  decoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2}
losses:
  nll: cross_entropy
  a_small: {type: l2, parts: [model.encoder], weight: 0.5}
optimizer: {type: sgd, schedule: {type: constant, peak: 0.1}}
train: {max_steps: 2, accumulate: ACCUMULATE}
evaluate: {metrics: [perplexity]}
"""


def test_biases_and_scales_are_left_out():
    weight, bias, frozen = torch.full((2, 3), 2.0), torch.ones(3), torch.ones(2, 2)
    for x in (weight, bias):
        x.requires_grad_()
    loss = L2(L2Config(), None)([weight, bias, frozen], torch.arange(4))

    assert loss.total.item() == 4 * 0.5 * 6 * 4.0
    assert loss.count.item() == 4


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    import seqspec

    folder = tmp_path_factory.mktemp("l2")
    found = {}
    for accumulate in (1, 2):
        file = folder / f"{accumulate}.yaml"
        file.write_text(SPEC.replace("ACCUMULATE", str(accumulate)))
        found[accumulate] = seqspec.build(seqspec.load(file))
    return found


def objective(bundle):
    """The mean of the micro-batches of the first step, and its gradient for the encoder."""
    program, model = bundle.module.program, bundle.module.program.model
    bundle.data.setup("fit")
    batches = [
        b for b, _ in zip(bundle.data.train_dataloader(), range(bundle.module.micro_batches), strict=False)
    ]
    model.eval()
    losses = [program.losses(model, batch, step=1) for batch in batches]
    mean = sum(one.objective for one in losses) / len(losses)
    weights = [p for p in model.parameters() if p.requires_grad]
    return losses, mean, torch.autograd.grad(mean, weights, allow_unused=True)


def test_it_stands_beside_the_first_loss_however_a_step_is_cut(bundles):
    (whole, mean, gradients), (_, cut_mean, cut_gradients) = map(objective, bundles.values())
    model = bundles[1].module.program.model
    squares = sum(p.square().sum() for p in model.encoder.parameters() if p.ndim > 1)

    assert next(iter(bundles[1].module.program.losses.named)) == "nll"
    nll = sum(one.terms["nll"] for one in whole) / sum(one.count for one in whole)
    torch.testing.assert_close(mean, nll + 0.5 * 0.5 * squares)
    torch.testing.assert_close(
        whole[0].terms["loss.a_small"] / whole[0].terms["loss.a_small|of"], 0.5 * squares
    )
    torch.testing.assert_close(mean, cut_mean)
    for one, other in zip(gradients, cut_gradients, strict=True):
        if one is not None:
            torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
