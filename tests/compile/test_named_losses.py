"""Named losses and outputs, from the spec's text to one backward pass."""

import pytest
import torch

from seqspec.compile.build.data_parts import build_data, counted
from seqspec.compile.build.program import build
from seqspec.compile.diagnostics.fixes import edited
from seqspec.compile.diff.plan_diff import diff
from seqspec.compile.explain.provenance import provenance
from seqspec.compile.language.paths import parse_path
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.compile.reference.json_schema import json_schema
from seqspec.compile.resolve.resolve import Overlay
from seqspec.components.search.ctc_greedy import CtcGreedy
from seqspec.data.batching.loader import training_loader
from seqspec.data.stages.prepare import prepare
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.types import Counted, Logits

SPEC = """\
seqspec: 1
name: both
data:
  source: {type: an4, synthetic: 12}
  text: {target: {tokenizer: characters}}
  audio: {features: log_mel}
  filter: {max_seconds: 20.0}
  batch: {unit: examples, size: 4}
model:
  type: encoder_decoder
  encoder: {type: conformer, num_layers: 1, dim: 16, num_heads: 2, subsampling: 2, subsampling_channels: 4}
  decoder: {type: transformer, num_layers: 1}
  outputs: {ctc: {type: linear, on: encoder}}
losses:
  attention: {type: cross_entropy, on: tokens, weight: 0.7}
  ctc: {type: ctc, on: ctc, weight: {type: constant, peak: 0.3, warmup_steps: 10}}
train: {max_steps: 12}
evaluate: {splits: [test], metrics: [cer]}
"""


def compiled(folder, *, change=(), overlays=()):
    text = SPEC
    for old, new in change:
        assert old in text
        text = text.replace(old, new)
    file = folder / "both.yaml"
    file.write_text(text, encoding="utf-8")
    return compile_spec(file, overlays=[Overlay.set(text) for text in overlays])


def mistakes(folder, **changes):
    with pytest.raises(SpecError) as caught:
        compiled(folder, **changes)
    return caught.value.diagnostics


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("named")
    found = compiled(folder)
    prepared = prepare(build_data(found.plan), cache=folder / "cache", splits=["train"], processes=1)
    found = recompile(found, facts=dict(prepared.facts))
    batch = next(iter(training_loader(prepared.parts, prepared.splits["train"], stop=1)))
    return build(found.plan, tree=found.tree), batch


def test_both_losses_train_the_encoder_and_are_told_by_name(program):
    built, batch = program
    torch.manual_seed(0)

    loss = built.losses(built.model, batch, step=10)
    loss.objective.backward()

    assert list(built.losses.named) == ["attention", "ctc"]
    attention, ctc = (
        loss.terms[f"loss.{name}"] / batch.loss_normalizers[name] for name in ("attention", "ctc")
    )
    torch.testing.assert_close(loss.objective.detach(), 0.7 * attention + 0.3 * ctc)
    assert built.model.head_ctc.weight_VD.grad.abs().sum() > 0
    assert built.model.head.weight_VD.grad.abs().sum() > 0


def test_a_schedule_is_the_weight_at_each_step(program):
    weight = program[0].losses.named["ctc"].weight

    assert [round(weight(step), 6) for step in (1, 5, 10, 12)] == [0.03, 0.15, 0.3, 0.3]


def test_each_loss_says_what_it_is_divided_by(tmp_path):
    plan = compiled(tmp_path).plan

    assert counted(plan) == {
        "attention": Counted("target", "tokens_and_end"),
        "ctc": Counted("target", "tokens"),
    }


def test_the_order_of_losses_means_nothing(tmp_path):
    lines = SPEC.splitlines(keepends=True)
    first = next(index for index, line in enumerate(lines) if "attention:" in line)
    pair = ("".join(lines[first : first + 2]), "".join(reversed(lines[first : first + 2])))
    one, other = compiled(tmp_path), compiled(tmp_path, change=[pair])

    assert one.plan.digests == other.plan.digests
    assert diff(one.plan, other.plan) == ()


def test_an_overlay_reaches_into_a_named_loss(tmp_path):
    one = compiled(tmp_path)
    other = compiled(tmp_path, overlays=["losses.attention.label_smoothing=0.1"])

    assert other.plan.experiment.losses["attention"].label_smoothing == 0.1
    assert [change.label for change in diff(one.plan, other.plan)] == ["losses.attention.label_smoothing"]
    assert "0.1" in provenance(other, path=parse_path("losses.attention.label_smoothing"))


def test_another_type_starts_a_named_loss_afresh(tmp_path):
    smooth = [("weight: 0.7}", "weight: 0.7, label_smoothing: 0.1}")]
    found = compiled(
        tmp_path, change=smooth, overlays=["losses.attention={type: sampled_softmax, on: tokens}"]
    )

    assert found.plan.experiment.losses["attention"].component == ("loss", "sampled_softmax")


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ([("on: ctc,", "on: cct,")], "SQ259", "did you mean `ctc`?"),
        ([("weight: 0.7", "wieght: 0.7")], "SQ101", "did you mean `weight`?"),
        ([("type: ctc, on: ctc", "type: ctcc, on: ctc")], "SQ103", "did you mean `ctc`?"),
        ([("losses:", "loss: cross_entropy\nlosses:")], "SQ258", "a name of its own"),
        ([("type: ctc, on: ctc", "type: ctc, on: tokens")], "SQ200", "needs logits at each state"),
        ([("on: tokens, weight: 0.7", "on: ctc, weight: 0.7")], "SQ233", "name another output"),
        ([("  attention:", "  Attention:")], "SQ108", "a name like"),
        ([("on: encoder", "on: encodr")], "SQ200", "`encoder`"),
        ([("on: tokens, weight: 0.7", "on: tokens, weight: heavy")], "SQ103", "schedule"),
    ],
)
def test_a_mistake_in_a_named_loss_is_told_once(tmp_path, change, code, said):
    [found] = mistakes(tmp_path, change=change)

    assert found.code == code
    assert said in f"{found.message} {found.help}"


@pytest.mark.parametrize(
    ("loss", "settings"),
    [
        ("loss: {type: cross_entropy, label_smoothing: 0.1}\n", "type: cross_entropy, label_smoothing: 0.1"),
        ("loss:\n  label_smoothing: 0.1\n", "type: cross_entropy, label_smoothing: 0.1"),
        ("loss: cross_entropy\n", "type: cross_entropy"),
        ("", "type: cross_entropy"),
    ],
)
def test_the_old_key_is_written_anew(tmp_path, loss, settings):
    old = SPEC[: SPEC.index("losses:")] + loss + SPEC[SPEC.index("train:") :]
    old = old.replace("outputs: {ctc: {type: linear, on: encoder}}", "ctc_weight: 0.4  # from a paper")
    file = tmp_path / "old.yaml"
    file.write_text(old, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        compile_spec(file)
    [found] = caught.value.diagnostics

    assert found.code == "SQ150"
    assert found.fix is not None
    assert found.fix.safe
    file.write_text(edited(old, found.fix.edits), encoding="utf-8")
    assert "# from a paper" in file.read_text(encoding="utf-8")
    losses = compile_spec(file).plan.experiment.losses
    assert {name: one.weight for name, one in losses.items()} == {"loss": 0.6, "ctc": 0.4}
    assert f"{{{settings}, on: tokens, weight: 0.6}}" in file.read_text(encoding="utf-8")


def test_a_search_reads_the_output_that_it_names(program, tmp_path):
    built, batch = program
    built.model.eval()
    read = compiled(tmp_path, overlays=["evaluate.search={type: ctc_greedy, on: ctc}"])

    answers = built.model.decode(
        batch, CtcGreedy(read.plan.experiment.evaluate.search, Logits(9, blank=True))
    )

    assert read.plan.node("evaluate", "search").takes[0][1].blank
    aligned = built.model.outputs(batch, only=frozenset({"ctc"}))["ctc"]
    expected = aligned.logits.log_softmax(-1).amax(-1)[0, : aligned.lengths[0]].sum()
    assert answers[0][0].score == pytest.approx(expected.item(), rel=1e-4)
    with pytest.raises(SpecError, match="SQ259"):
        compiled(tmp_path, overlays=["evaluate.search={type: ctc_greedy, on: cct}"])


def test_editors_know_the_keys_of_a_named_loss():
    losses = json_schema(Catalogue())["definitions"]["experiment"]["properties"]["losses"]

    assert "#/definitions/loss" in str(losses)


@pytest.mark.parametrize("kind", ["ctc", "encoder_decoder"])
def test_the_cost_of_halting_is_trained_and_logged_whatever_the_model(kind, tmp_path):
    encoder = (
        "encoder: {type: universal_transformer, num_layers: 2, dim: 16, num_heads: 2, halting: adaptive}"
    )
    model = f"model:\n  type: {kind}\n  {encoder}\n"
    if kind == "encoder_decoder":
        model += "  decoder: {type: transformer, num_layers: 1}\n"
    loss = f"loss: {'ctc' if kind == 'ctc' else 'cross_entropy'}\n"
    file = tmp_path / "halting.yaml"
    file.write_text(
        SPEC[: SPEC.index("model:")] + model + loss + SPEC[SPEC.index("train:") :], encoding="utf-8"
    )
    found = compile_spec(file)
    prepared = prepare(build_data(found.plan), cache=tmp_path / "cache", splits=["train"], processes=1)
    found = recompile(found, facts=dict(prepared.facts))
    built = build(found.plan, tree=found.tree)
    batch = next(iter(training_loader(prepared.parts, prepared.splits["train"], stop=1)))

    loss = built.losses(built.model, batch)
    loss.objective.backward()

    assert list(built.losses.named) == ["loss", "encoder.halting"]
    cost = loss.terms["loss.encoder.halting"]
    assert cost / loss.count > 1
    torch.testing.assert_close(loss.total.detach(), loss.terms["loss.loss"] + 0.01 * cost)
    chance = built.model.encoder.recurrence.halting.chance
    assert chance.bias.grad.abs().sum() > 0
