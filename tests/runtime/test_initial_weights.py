"""The first weights of a run out of another: copied, compared, recorded, and never asked for again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from seqspec.compile.build.program import build
from seqspec.compile.diff.compare_specs import differences
from seqspec.compile.diff.initial_digests import initial_digests
from seqspec.compile.explain.explain import explain
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.checkpoints.selection import chosen
from seqspec.runtime.reproducibility.lock import read_lock
from seqspec.schema.diagnostic import Exit, SpecError
from tests.runtime.run_folder.conftest import Bench

FROZEN = "freeze=[{parts: [model.encoder]}]"


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def base(bench) -> Path:
    return bench.path("name=base", "seed=2")


def start_from(run, *, here="model.encoder", there="model.encoder", checkpoint="best"):
    return f"initialize=[{{from: {run}, parts: {{{here}: {there}}}, checkpoint: {checkpoint}}}]"


@pytest.fixture(scope="module")
def begun(bench, base) -> Path:
    return bench.path("name=begun", start_from(base), FROZEN)


def weights(run, name="last"):
    return chosen(run / "checkpoints", name).tensors["weights"]


def test_the_parts_begin_as_the_other_run_ended(base, begun):
    theirs, ours = weights(base, "best"), weights(begun)

    same = {name for name in ours if torch.equal(ours[name], theirs[name])}
    assert same == {name for name in ours if name.startswith("encoder.")}


def test_left_out_the_parts_are_the_whole_model(bench, base):
    run = bench.path(
        "name=whole", f"initialize=[{{from: {base}}}]", "optimizer.schedule={type: constant, peak: 1.0e-30}"
    )

    theirs, ours = weights(base, "best"), weights(run)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_lock_explain_and_diff_tell_the_weights(bench, base, begun):
    (record,) = read_lock(begun / "lock.json")["initialize"]
    plan = compile_spec(bench.spec, overlays=[Overlay.set(start_from(base))]).plan
    (found,) = initial_digests(plan, bench.spec)

    assert (found.checkpoint, found.weights) == (record["checkpoint"], record["weights"])
    assert record["weights"][:12] in explain(str(begun))
    other = bench.path("name=other", "seed=3", "train.max_steps=2")
    spec = bench.folder / "changed.yaml"
    spec.write_text((begun / "spec.yaml").read_text().replace(str(base), str(other)))
    (difference,) = differences(str(begun), str(spec))
    told = next(one for one in difference.consequences if one.name == "initialize[0] weights")
    assert told.old == record["weights"][:12] != told.new
    assert "result" in difference.effects


def test_the_other_run_may_go_once_a_checkpoint_is_written(bench, base, begun, tmp_path):
    run = Path(shutil.copytree(begun, tmp_path / "run"))
    shutil.rmtree(run / "checkpoints" / "step-00000005")
    gone = base.rename(base.with_name("gone"))
    try:
        outcome = bench.resume(run)
        anew = bench.run("name=anew", start_from(base))
    finally:
        gone.rename(base)

    assert outcome.exit == 0, outcome.error
    assert all(torch.equal(weights(run)[name], tensor) for name, tensor in weights(begun).items())
    assert anew.exit == Exit.USAGE
    assert f"`initialize[0]`: {base} is not a run directory" in anew.error


def test_a_run_killed_before_its_first_checkpoint_takes_the_weights_again(bench, begun, tmp_path):
    run = Path(shutil.copytree(begun, tmp_path / "run"))
    for folder in (run / "checkpoints").iterdir():
        shutil.rmtree(folder)

    assert bench.resume(run).exit == 0
    assert all(torch.equal(weights(run)[name], tensor) for name, tensor in weights(begun).items())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            ("model.encoder.dim=16",),
            ["does not fit `model.encoder` here (encoder transformer: ", "is [8, 8] there and [16, 16] here"],
        ),
        (("model.encoder.num_layers=2",), ["`model.encoder` of ", "there is no `layers.1."]),
        (("data.text.shared.tokenizer=characters",), ["`embedding.weight_VD` is [260, 8] there"]),
    ],
)
def test_what_does_not_fit_is_told_with_both_places(bench, base, settings, words):
    whole = f"initialize=[{{from: {base}}}]" if "data" in settings[0] else start_from(base)

    outcome = bench.run("name=odd", whole, *settings)

    assert outcome.exit == Exit.DATA
    assert "SQ900" not in outcome.error
    for word in words:
        assert word in outcome.error, outcome.error


def test_tables_of_other_characters_are_refused(bench, tmp_path):
    characters = "data.text.shared.tokenizer=characters"
    run = bench.path("name=letters", characters)
    for file in (bench.folder / "corpus").iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace("d", "z"))

    outcome = bench.run(f"initialize=[{{from: {run}}}]", characters, f"data.source.root={tmp_path}")

    assert outcome.exit == Exit.DATA
    assert " text is 'd' there and " in outcome.error
    assert "vocabularies/" in outcome.error


def test_a_part_that_the_other_run_does_not_have_is_told(bench, base):
    outcome = bench.run("name=odd", start_from(base, there="model.body"))

    assert f"there is no part `model.body` in {base}" in outcome.error


@pytest.mark.parametrize(
    "text",
    ["initialize=[{from: r, parts: {model.encodr: model.encoder}}]", "freeze=[{parts: [model.encodr]}]"],
)
def test_a_part_that_is_not_there_is_told_before_anything_runs(bench, text):
    with pytest.raises(SpecError) as caught:
        compile_spec(bench.spec, overlays=[Overlay.set(text)])

    (told,) = caught.value.diagnostics
    assert told.code == "SQ237"
    assert told.help == "did you mean `model.encoder`?"


def test_without_them_a_plan_has_the_digest_that_it_had(bench):
    plain = compile_spec(bench.spec).plan
    empty = compile_spec(bench.spec, overlays=[Overlay.set("initialize=[]"), Overlay.set("freeze=[]")]).plan
    frozen = compile_spec(bench.spec, overlays=[Overlay.set(FROZEN)]).plan

    assert plain.digests == empty.digests
    assert {part for part in plain.digests if plain.digests[part] != frozen.digests[part]} == {"train", "all"}


def test_what_never_moves_is_not_counted_as_trainable(bench):
    compiled = [
        compile_spec(bench.spec, overlays=[Overlay.set(text)] if text else []) for text in ("", FROZEN)
    ]
    free, frozen = (build(one.plan, tree=one.tree, device="meta") for one in compiled)

    encoder = sum(p.numel() for p in free.model.encoder.parameters())
    assert free.num_parameters - frozen.num_parameters == encoder > 0
