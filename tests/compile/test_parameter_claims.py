"""Who moves what: by paths where they tell, by the built model where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from seqspec.compile.build.program import build
from seqspec.compile.cost.parameter_table import assumed
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.schema.diagnostic import SpecError

EXAMPLE = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")


def compiled(tmp_path, text):
    (tmp_path / "base.yaml").write_text(EXAMPLE, encoding="utf-8")
    (tmp_path / "spec.yaml").write_text("extends: base.yaml\n" + text, encoding="utf-8")
    return compile_spec(tmp_path / "spec.yaml")


def built(tmp_path, text):
    told = assumed(compiled(tmp_path, text))
    return build(told.plan, tree=told.tree, device="meta")


def codes(stage, *given) -> Sequence[str]:
    with pytest.raises(SpecError) as caught:
        stage(*given)
    return [d.code for d in caught.value.diagnostics]


def test_one_optimiser_moves_everything(tmp_path):
    program = built(tmp_path, "seed: 1\n")

    (claim,) = program.optimizers.values()
    assert claim.names == tuple(name for name, _ in program.parameters())


def test_a_part_overlaps_with_the_part_it_lies_in(tmp_path):
    text = "optimizer: {type: adamw, groups: [{parts: [model]}, {parts: [model.encoder]}]}\n"

    assert codes(compiled, tmp_path, text) == ["SQ262"]


def test_several_optimisers_want_a_procedure_with_as_many_phases(tmp_path):
    text = "optimizer: null\noptimizers:\n  a: {type: adam, parameters: [model.encoder]}\n  b: {type: adam, parameters: [model.decoder]}\n"

    assert codes(compiled, tmp_path, text) == ["SQ260"]


def test_a_parameter_that_no_optimiser_moves_is_found_when_the_model_is_built(tmp_path):
    text = "optimizer: null\noptimizers: {only: {type: adam, parameters: [model.encoder]}}\n"

    with pytest.raises(SpecError) as caught:
        built(tmp_path, text)

    (found,) = caught.value.diagnostics
    assert found.code == "SQ263"
    assert "no optimiser moves" in found.message
    assert found.span is not None


def test_an_optimiser_leaves_a_part_to_another(tmp_path):
    text = (
        "optimizer: null\nprocedure: {type: adversarial, critic_losses: [nll], generator_losses: [nll]}\n"
        "loss: null\nlosses: {nll: {type: cross_entropy}}\noptimizers:\n"
        "  critic: {type: adam, parameters: [model.encoder]}\n  generator: {type: adam, without: [model.encoder]}\n"
    )

    program = built(tmp_path, text)

    critic, generator = program.optimizers["critic"].names, program.optimizers["generator"].names
    assert {name.partition(".")[0] for name in critic} == {"encoder"}
    assert "encoder" not in {name.partition(".")[0] for name in generator}
    assert sorted(critic + generator) == sorted(name for name, _ in program.parameters())
    assert "SQ262" in codes(
        compiled, tmp_path, text.replace("without: [model.encoder]", "without: [model.decoder]")
    )


def test_layers_of_a_group_learn_slower_the_further_down_they_are(tmp_path):
    text = (
        "model: {encoder: {num_layers: 3}}\n"
        "optimizer: {type: adamw, groups: [{parts: [model.encoder], rate: 0.5, layer_decay: 0.5}]}\n"
    )

    (claim,) = built(tmp_path, text).optimizers.values()

    rates = {name: rule.rate for rule in claim.groups for name in rule.names}
    layers = sorted({int(name.split(".")[2]) for name in rates if name.startswith("encoder.layers.")})
    first, last = (
        {rate for name, rate in rates.items() if name.startswith(f"encoder.layers.{layer}.")}
        for layer in (layers[0], layers[-1])
    )
    assert len(first) == len(last) == 1
    assert first.pop() == last.pop() * 0.5 ** (len(layers) - 1)
    assert max(rates.values()) == 0.5
    assert all(name.startswith("encoder.") for name in rates)


def test_layer_decay_wants_layers(tmp_path):
    text = "optimizer: {type: adamw, groups: [{parts: [model.decoder.embedding], layer_decay: 0.5}]}\n"

    assert codes(built, tmp_path, text) == ["SQ265"]


def test_spelling_out_the_default_procedure_changes_no_digest(tmp_path):
    plain = compiled(tmp_path, "seed: 1\n").plan.digests

    assert compiled(tmp_path, "procedure: supervised\n").plan.digests == plain
    assert compiled(tmp_path, "optimizer: {groups: [{parts: [model.encoder]}]}\n").plan.digests != plain


def test_a_misspelt_key_of_a_named_optimiser_gets_its_suggestion(tmp_path):
    text = "optimizer: null\noptimizers: {only: {type: adam, parameters: [model], amsgrat: true}}\n"

    with pytest.raises(SpecError) as caught:
        compiled(tmp_path, text)

    (found,) = caught.value.diagnostics
    assert (found.code, "amsgrad" in str(found.help)) == ("SQ101", True)
