"""mixup and CutMix: what they make of two images, and which two, however a step is cut."""

from __future__ import annotations

import pytest
import torch

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.components.augment.cutmix import Cutmix
from seqspec.components.augment.mixup import Mixup
from seqspec.data.batching.loader import MicroSteps, micro_steps, training_order
from seqspec.data.batching.mixing_partners import partners
from seqspec.data.stages.prepare import prepare
from seqspec.schema.augment.cutmix import CutmixConfig
from seqspec.schema.augment.mixup import MixupConfig
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.types import Image

torch.set_num_threads(1)

SIZE = Image(2, 12, 10)
OWN, OTHER = torch.zeros(2, 12, 10), torch.ones(2, 12, 10)
TEXT = """
seqspec: 1
name: mixed
data:
  source: {type: mnist, synthetic: 60}
  split: {by: label, dev: 0.2}
  image: {normalize: unit, augment: [%s]}
  batch: {unit: examples, size: %d}
model: {type: %s}
loss: {type: %s}
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-3}}
train: {max_steps: 4, checkpoint_every_steps: 4}
evaluate: {every_steps: 4, splits: [dev], metrics: [%s]}
"""
CLASSIFIER = "classifier, encoder: {type: mlp, dims: [8]}"


def generator(seed):
    return torch.Generator().manual_seed(seed)


def compiled(tmp_path, *, augment, size=12, model=CLASSIFIER, loss="cross_entropy", metrics="accuracy"):
    file = tmp_path / "spec.yaml"
    file.write_text(TEXT % (augment, size, model, loss, metrics))
    return compile_spec(file)


def test_mixup_takes_the_weighted_mean_of_two_images():
    mixed = Mixup(MixupConfig(alpha=1.0), SIZE)(OWN, OTHER, generator(3))

    assert 0 < mixed.share < 1
    torch.testing.assert_close(mixed.image, torch.full_like(OWN, 1 - mixed.share))
    assert OWN.sum() == 0


def test_shares_follow_the_beta_distribution():
    """Mean 1/2, variance 1 / (4 (2 alpha + 1)); three standard errors of 4,000 draws."""
    step, draws = Mixup(MixupConfig(alpha=0.4), SIZE), generator(0)
    shares = torch.tensor([step.drawn_share(draws) for _ in range(4000)])

    assert shares.mean().item() == pytest.approx(0.5, abs=0.018)
    assert shares.var().item() == pytest.approx(1 / (4 * 1.8), abs=0.006)


def test_cutmix_shares_the_label_as_the_images_share_the_area():
    step, draws = Cutmix(CutmixConfig(), SIZE), generator(1)
    for _ in range(50):
        mixed = step(OWN, OTHER, draws)
        covered_HW = mixed.image[0].bool()

        assert 1 - covered_HW.float().mean().item() == pytest.approx(mixed.share)
        assert torch.equal(covered_HW, covered_HW.any(1)[:, None] & covered_HW.any(0)[None])


def test_an_image_stays_alone_now_and_then():
    step, draws = Mixup(MixupConfig(chance=0.25), SIZE), generator(0)
    mixed = sum(step(OWN, OTHER, draws) is not None for _ in range(2000))

    assert mixed / 2000 == pytest.approx(0.25, abs=0.03)


def test_each_example_has_another_partner_and_every_epoch_draws_anew():
    rows = list(range(20))
    first = partners(rows, rows, seed=1, epoch=0)

    assert sorted(first) == rows
    assert all(own != other for own, other in zip(rows, first, strict=True))
    assert partners(rows[7:9], rows[::-1], seed=1, epoch=0) == first[7:9]
    assert partners(rows, rows, seed=1, epoch=1) != first
    assert partners([5], [5], seed=1, epoch=0) == [5]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    plan = compiled(folder, augment="{type: mixup, alpha: 1.0, chance: 0.5}, {type: cutmix, chance: 0.8}")
    prepared = prepare(build_data(plan.plan), cache=folder / "cache", splits=["train"], processes=1)
    return recompile(plan, facts=prepared.facts), prepared


def steps_of(prepared, *, micro_batches=1, rank=0, world=1) -> MicroSteps:
    parts, split = prepared.parts, prepared.splits["train"]
    order = training_order(parts, split)
    return micro_steps(
        parts, split, order, start=0, stop=6, num_micro_batches=micro_batches, rank=rank, world=world
    )


def test_how_a_step_is_cut_changes_no_example(mixed):
    _, prepared = mixed
    whole = steps_of(prepared)
    for cut in (steps_of(prepared, micro_batches=3), None):
        for number in range(6):
            batch = whole[number]
            parts = (
                [cut[3 * number + part] for part in range(3)]
                if cut
                else [steps_of(prepared, micro_batches=2, rank=rank, world=2)[number] for rank in range(2)]
            )
            found = {
                row: (x, t)
                for p in parts
                for row, x, t in zip(p.index.tolist(), p.source, p.target, strict=True)
            }
            for row, x, t in zip(batch.index.tolist(), batch.source, batch.target, strict=True):
                assert torch.equal(found[row][0], x)
                assert torch.equal(found[row][1], t)


def test_targets_are_probabilities_and_the_loss_is_shared_likewise(mixed):
    plan, prepared = mixed
    program = build(plan.plan, tree=plan.tree)
    batch = steps_of(prepared)[0]
    torch.testing.assert_close(batch.target.sum(1), torch.ones(12))
    assert ((batch.target > 0).sum(1) == 2).any()
    log_p = program.model.head(program.model.encode(batch)).log_softmax(1)

    sums = program.losses(program.model, batch)

    torch.testing.assert_close(sums.total, -(batch.target * log_p).sum())
    assert sums.count == 12


@pytest.mark.parametrize(
    "settings", ["{}", "{label_smoothing: 0.1}", "{z_loss: 0.01, class_weights: {'0': 3.0}}"]
)
def test_certain_probabilities_are_what_labels_are(mixed, settings, tmp_path):
    _, prepared = mixed
    loss = f"cross_entropy, {settings[1:-1]}" if settings != "{}" else "cross_entropy"
    plan = recompile(compiled(tmp_path, augment="", loss=loss), facts=prepared.facts)
    program = build(plan.plan, tree=plan.tree)
    program.losses.named["loss"].criterion.know_classes(prepared.splits["train"].labels["target"], None)
    batch = steps_of(prepared)[0]
    hard = batch.with_values(target=batch.target.argmax(1))
    soft = batch.with_values(target=torch.nn.functional.one_hot(hard.target, 10).float())

    given = [program.losses(program.model, one) for one in (hard, soft)]
    slopes = [torch.autograd.grad(one.total, list(program.model.parameters())) for one in given]

    torch.testing.assert_close(given[1].total, given[0].total)
    torch.testing.assert_close(given[1].terms["nll"], given[0].terms["nll"])
    torch.testing.assert_close(slopes[1], slopes[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"augment": "mixup, flip"}, "`mixup` mixes images before `flip`"),
        ({"augment": "mixup", "size": 1}, "a batch holds one"),
        ({"augment": "cutmix", "loss": "focal"}, "loss `focal` reads one class"),
        ({"augment": "mixup", "model": "image_model, decoder: {type: transformer, dim: 8}",
          "metrics": "bits_per_dim"}, "model `image_model` learns none"),
    ],
)  # fmt: skip
def test_what_cannot_be_mixed_is_told(tmp_path, settings, message):
    with pytest.raises(SpecError) as raised:
        compiled(tmp_path, **settings)

    assert [(d.code, message in d.message) for d in raised.value.diagnostics] == [("SQ394", True)]
