"""What the command line asks for is checked against the spec before anything runs."""

from pathlib import Path

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.runtime.sweep.objective import objective
from seqspec.runtime.sweep.space import check_corners, parse_space
from seqspec.schema.diagnostic import RunError, SpecError

SPEC = Path(__file__).parents[3] / "specs" / "lm_shakespeare_char.yaml"
TINY = (Overlay.profile("tiny"),)


def check(*space):
    check_corners(parse_space(space), spec=SPEC, over=TINY)


def test_a_space_that_compiles_everywhere_passes():
    check("optimizer.schedule.peak={log_uniform:[1e-4, 1e-2]}", "model.decoder.dim=[16, 32]")


def test_a_section_that_compiles_passes_and_another_is_told_where_it_stands():
    check("optimizer={choice:[{type: sgd}, {type: adamw, beta2: 0.98}]}")
    with pytest.raises(SpecError) as caught:
        check("optimizer=[{type: sgd}, {type: adamw, beta_2: 0.98}]")

    assert caught.value.diagnostics[0].span.text == '"beta_2"'
    assert "this is the corner optimizer=adamw of" in caught.value.diagnostics[0].note


def test_a_value_inside_an_interval_is_a_corner_too():
    with pytest.raises(SpecError) as caught:
        check("model.decoder.num_heads={int: [1, 4]}")

    assert "3 heads" in caught.value.diagnostics[0].message
    assert "num_heads=3" in caught.value.diagnostics[0].note


def test_choices_that_only_clash_together_are_found():
    with pytest.raises(SpecError) as caught:
        check("model.decoder.num_heads=[2, 4]", "model.decoder.dim=[32, 30]")

    assert "model.decoder.num_heads=4, model.decoder.dim=30" in caught.value.diagnostics[0].note


def test_a_path_that_is_none_is_told():
    with pytest.raises(SpecError, match="learning_rate_"):
        check("optimizer.learning_rate_={uniform: [1, 2]}")


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ([], "no space"),
        (["a"], "gives no range"),
        (["seed=[1, 2]"], "a seed is no setting"),
        (["a=[1, 2]", "a=[3]"], "stands twice"),
        (["a={log_uniform: [0, 1]}"], "starts above 0"),
        (["data.batch.workers={int: [0, 1]}"], "changes no result"),
    ],
)
def test_what_cannot_be_searched_is_told(space, said):
    with pytest.raises(RunError, match=said) as caught:
        check(*space)

    assert caught.value.exit == 2
    assert caught.value.help


def aim(metric=None, direction=None, sets=()):
    plan = compile_spec(SPEC, overlays=(*TINY, *map(Overlay.set, sets))).plan
    return objective(plan, metric=metric, direction=direction)


def test_the_metric_says_its_direction():
    assert aim() == ("dev", "perplexity", "minimize")
    assert aim("dev.token_accuracy") == ("dev", "token_accuracy", "maximize")
    assert aim("perplexity", "maximize").direction == "maximize"


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("test.perplexity", "must not choose by `test`"),
        ("bleu", "does not measure `bleu`"),
        ("train.perplexity", "not evaluate on `train`"),
    ],
)
def test_an_objective_that_is_none_is_told(metric, said):
    with pytest.raises(RunError, match=said):
        aim(metric)


@pytest.mark.parametrize(("kind", "whole"), [("uniform", "int"), ("log_uniform", "log_int")])
def test_a_range_of_fractions_at_a_whole_number_is_told(kind, whole):
    with pytest.raises(RunError, match="takes whole numbers") as caught:
        check(f"model.decoder.num_layers={{{kind}: [1, 3]}}")

    assert caught.value.help == f"write {{{whole}: [1, 3]}}"


def test_a_range_of_fractions_may_have_whole_bounds():
    check("train.clip_norm={uniform: [1, 3]}")
