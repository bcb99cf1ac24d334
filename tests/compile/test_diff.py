import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.compile.diff.plan_diff import apply, compare, diff
from seqspec.compile.pipeline import compile as compile_spec
from tests.compile.experiments import compiled, spec

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0]), st.sampled_from("abc")
)
ITEMS = st.fixed_dictionaries({"type": st.sampled_from(["x", "y", "z"])}, optional={"n": st.integers(0, 2)})
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(ITEMS, max_size=4),
        st.dictionaries(st.sampled_from(["type", "a", "b", "c"]), inner, max_size=4),
    ),
    max_leaves=12,
)
TREES = st.dictionaries(st.sampled_from(["type", "a", "b", "c"]), JSON, max_size=4)
VALUES = [
    ("train.max_steps", ["20000", "30000"]),
    ("data.batch.size", ["8192", "4096"]),
    ("data.batch.workers", ["0", "2"]),
    ("model.encoder.dim", ["256", "320"]),
    ("model.decoder.num_layers", ["3", "2"]),
    (
        "evaluate.metrics",
        ["[chrf]", "[{type: bleu, tokenize: 13a}, chrf]", "[chrf, {type: bleu, tokenize: 13a}, ter]"],
    ),
    ("data.text.source.normalize", ["[nfc]", "[]", "[nfkc, lowercase]"]),
    ("evaluate.search", ["{type: beam, size: 5}", "greedy"]),
    ("loss.label_smoothing", ["0.1", "0.0"]),
]
SETS = st.tuples(*(st.sampled_from([f"{path}={value}" for value in values]) for path, values in VALUES))


@given(TREES)
def test_a_value_does_not_differ_from_itself(a):
    assert compare(a, a) == ()


@given(TREES, TREES)
def test_applying_the_edits_gives_the_other_value(a, b):
    assert apply(compare(a, b), a) == b


@given(TREES, TREES)
def test_applying_leaves_the_old_value_alone(a, b):
    before = yaml.safe_dump(a)

    apply(compare(a, b), a)

    assert yaml.safe_dump(a) == before


@settings(max_examples=25, deadline=None)
@given(SETS, SETS)
def test_plans_obey_the_same_laws(tmp_path_factory, one, other):
    folder = tmp_path_factory.mktemp("specs")
    a, b = compiled(folder, *one).plan, compiled(folder, *other).plan

    changes = diff(a, b)

    assert apply(changes, a.data) == b.data
    assert (changes == ()) == (a.data == b.data)
    assert any(change.affects == "result" for change in changes) == (a.digests["all"] != b.digests["all"])


@pytest.mark.parametrize("task", ["mt", "lm"])
def test_spelling_out_every_default_and_inferred_number_is_no_change(tmp_path, task):
    plan = compiled(tmp_path, task=task).plan
    spelled = tmp_path / "spelled.yaml"
    spelled.write_text(yaml.safe_dump(plan.data, allow_unicode=True, sort_keys=True))

    again = compile_spec(spelled).plan

    assert diff(plan, again) == ()
    assert again.digests == plan.digests


def test_order_of_keys_is_no_change(tmp_path):
    one = spec(tmp_path, name="one.yaml")
    data = yaml.safe_load(one.read_text())
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(dict(reversed(data.items())), sort_keys=False))

    assert diff(compile_spec(one).plan, compile_spec(other).plan) == ()


def test_each_change_has_its_group(tmp_path):
    a = compiled(tmp_path).plan
    b = compiled(
        tmp_path,
        "name=other",
        "seed=2",
        "data.batch.size=4096",
        "data.batch.workers=1",
        "data.text.source.tokenizer.vocab_size=4000",
        "model.encoder.num_layers=2",
        "evaluate.search.size=2",
    ).plan

    found = {change.label: change.group for change in diff(a, b)}

    assert found == {
        "name": "cosmetic",
        "seed": "training",
        "data.batch.size": "data",
        "data.batch.workers": "cosmetic",
        "data.text.source.tokenizer.vocab_size": "tokenizer",
        "model.encoder.num_layers": "model",
        "evaluate.search.size": "evaluation",
    }


def test_items_of_lists_are_known_by_their_type(tmp_path):
    a = compiled(tmp_path, "evaluate.metrics=[{type: bleu, tokenize: 13a}, chrf]").plan
    b = compiled(tmp_path, "evaluate.metrics=[ter, {type: bleu, tokenize: intl}]").plan

    kinds = {(change.kind, change.label) for change in diff(a, b)}

    assert ("changed", "evaluate.metrics[bleu].tokenize") in kinds
    assert ("removed", "evaluate.metrics[chrf]") in kinds
    assert ("added", "evaluate.metrics[ter]") in kinds


def test_numbers_that_follow_are_told_apart_from_what_was_written(tmp_path):
    a, b = compiled(tmp_path).plan, compiled(tmp_path, "model.encoder.dim=320").plan

    derived = {change.label for change in diff(a, b) if change.derived}

    assert "model.decoder.dim" in derived
    assert "model.encoder.dim" not in derived
