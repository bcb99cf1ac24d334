"""Several tasks in one spec: an ordinary spec for each, shared parts, one diagnostic a mistake."""

import json
import re

import pytest
import yaml

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.commands import explain
from seqspec.compile.cost.parameter_count import counted
from seqspec.compile.diff.compare_specs import differences
from seqspec.compile.explain.plan_text import plan_text
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.compile.plan.shared_part import SharedPart
from seqspec.compile.resolve.resolve import Overlay
from seqspec.compile.validation import Options, validate_file
from seqspec.schema.diagnostic import SpecError
from tests.two_tasks import TASKS, two_tasks

ENCODER = ("model", "encoder")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return compile_spec(two_tasks(tmp_path_factory.mktemp("spec")))


def told(folder, change=None, *, text=TASKS):
    return validate_file(two_tasks(folder, change, text=text), Options())


def test_what_stands_at_the_top_holds_for_every_task(compiled):
    each = compiled.plan.each

    assert list(each) == ["asr", "mt"]
    assert [plan.experiment.model.decoder.num_layers for plan in each.values()] == [1, 1]
    assert [plan.experiment.evaluate.metrics[0].component[1] for plan in each.values()] == ["wer", "chrf"]
    assert [plan.experiment.evaluate.max_examples for plan in each.values()] == [4, 4]


def test_a_shared_part_has_its_places_and_stands_once(compiled):
    plan = compiled.plan
    written = {value.path for value in plan.values}

    assert plan.shared == (SharedPart(("shared", "body"), (("asr", ENCODER), ("mt", ENCODER))),)
    assert ("shared", "body", "dim") in written
    assert ("tasks", "mt", "model", "encoder", "dim") not in written
    assert plan.data["tasks"]["mt"]["model"]["encoder"] == {"use": "shared.body"}


def test_the_plan_says_which_tasks_train_which_part(compiled):
    text = plan_text(compiled.plan)

    assert "  shared.body      asr, mt\n  tasks.asr.model  asr\n  tasks.mt.model   mt\n" in text
    assert "mix.type                constant  inferred: each task as often as the others" in text


def test_one_task_by_itself_is_an_ordinary_experiment(tmp_path, compiled):
    file = two_tasks(tmp_path, {"train": {"mix": "proportional"}, "evaluate": {"score": "mt"}})
    alone = compile_spec(file, overlays=[Overlay.task("mt")])

    assert alone.plan.tasks == {}
    assert alone.plan.experiment.train.mix is None
    assert alone.plan.experiment.model == compiled.plan.tasks["mt"].experiment.model
    assert alone.plan.digests["model"] == compiled.plan.tasks["mt"].digests["model"]


def test_sharing_weights_is_another_model_than_equal_parts(tmp_path, compiled):
    body = {"type": "transformer", "dim": 16, "num_layers": 1, "num_heads": 2, "feed_forward_dim": 32}
    apart = TASKS.replace("shared:", "name_of_nothing:").replace("{use: shared.body}", str(body))
    apart = "\n".join(line for line in apart.splitlines() if "name_of" not in line and "  body:" not in line)
    other = compile_spec(two_tasks(tmp_path, text=apart))

    assert other.plan.tasks["mt"].digests["model"] == compiled.plan.tasks["mt"].digests["model"]
    assert other.plan.digests["model"] != compiled.plan.digests["model"]
    assert other.plan.digests["data"] == compiled.plan.digests["data"]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"tasks": {"mt": {"weight": 0.5}}}, "train"),
        ({"train": {"mix": "proportional"}}, "train"),
        ({"evaluate": {"score": "mt"}}, "evaluate"),
        ({"tasks": {"mt": {"data": {"batch": {"size": 300}}}}}, "data"),
    ],
)
def test_what_decides_the_result_enters_the_digest_of_its_part(tmp_path, compiled, change, part):
    digests = compile_spec(two_tasks(tmp_path, change)).plan.digests
    changed = {name for name in digests if digests[name] != compiled.plan.digests[name]}

    assert changed == {part, "all"}


def test_a_shared_part_is_counted_once(tmp_path):
    spec = yaml.safe_load(TASKS)
    spec["tasks"] = {"one": spec["tasks"]["mt"], "two": spec["tasks"]["mt"]}
    compiled = compile_spec(two_tasks(tmp_path, text=json.dumps(spec)))
    plan = recompile(compiled, facts=dict.fromkeys(compiled.plan.unknowns, 30)).plan
    alone = counted(plan.tasks["one"])

    assert counted(plan) == 2 * alone - plan.tasks["one"].config(ENCODER).parameters({})


def test_diff_tells_a_change_of_a_shared_part_once(tmp_path):
    one = two_tasks(tmp_path, name="one.yaml")
    other = two_tasks(tmp_path, {"shared": {"body": {"dropout": 0.3}}}, name="other.yaml")
    (found,) = differences(str(one), str(other))

    assert [change.label for change in found.changes if not change.derived] == ["shared.body.dropout"]
    assert {change.group for change in found.changes} == {"model"}


def test_explain_follows_a_task_to_where_its_value_was_written(tmp_path):
    out = explain(str(two_tasks(tmp_path)), path="tasks.mt.model.encoder.dim", over=()).out

    assert out.startswith("tasks.mt.model.encoder.dim = 16\n  16  at ")


def test_what_is_about_one_task_asks_for_its_name(tmp_path):
    experiment = compile_spec(two_tasks(tmp_path)).plan.experiment

    with pytest.raises(SpecError) as caught:
        _ = experiment.model

    (diagnostic,) = caught.value.diagnostics
    assert "this is about one task, and the spec has `asr`, `mt`" in diagnostic.message
    assert "--task NAME" in diagnostic.help


def test_the_cost_of_several_tasks_is_that_of_the_dearest(tmp_path):
    told = explain(str(two_tasks(tmp_path)), path=None, over=(), table="cost")

    assert told.exit == 0
    assert "arithmetic" in told.out


def test_an_unknown_task_is_told_with_the_nearest(tmp_path):
    with pytest.raises(SpecError) as caught:
        compile_spec(two_tasks(tmp_path), overlays=[Overlay.task("mtt")])

    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.help) == ("SQ281", "did you mean `mt`?")


def test_a_use_may_lead_through_others_to_the_part(tmp_path):
    change = {"tasks": {"mt": {"model": {"encoder": {"use": "tasks.asr.model.encoder"}}}}}

    assert compile_spec(two_tasks(tmp_path, change)).plan.shared[0].part == ("shared", "body")


def test_a_part_of_a_task_can_be_used_by_another(tmp_path):
    text = TASKS.replace(
        "embedding: {type: convolution, filters: 4}", "decoder: {type: transformer, num_layers: 2}"
    )
    body = "{type: transformer, dim: 16, num_layers: 1, num_heads: 2, feed_forward_dim: 32}"
    text = text.replace("shared:\n  body: " + body + "\n", "").replace("{use: shared.body}", body)
    text = text.replace("evaluate: {metrics: [chrf]}", "model: {encoder: {use: tasks.asr.model.encoder}}")
    text = text.replace(
        "decoder: {type: transformer, num_layers: 2}", "embedding: {type: convolution, filters: 4}"
    )
    plan = compile_spec(two_tasks(tmp_path, text=text)).plan

    assert plan.shared[0].part == ("tasks", "asr", *ENCODER)
    assert plan.shared[0].places == (("asr", ENCODER), ("mt", ENCODER))


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"shared": {"spare": {"type": "transformer"}}}, "SQ285", "no task uses the shared part `spare`"),
        ({"tasks": {"mt": {"weight": -1}}}, "SQ286", "the weight of the task `mt` is not a number from 0 on"),
        ({"tasks": {"mt": {"weight": True}}}, "SQ286", "the weight of the task `mt` is not a number from 0 on"),
        ({"tasks": {"M": {}}}, "SQ108", "`M` cannot be the name of a task"),
        ({"tasks": {"mt": {"modle": {}}}}, "SQ101", "`modle` is not a key of a task"),
        ({"tasks": {"mt": {"train": {"max_steps": 2}}}}, "SQ287", "`train` belongs to the whole experiment, and not to one task"),
        ({"tasks": {"mt": {"evaluate": {"every_steps": 3}}}}, "SQ287", "`evaluate.every_steps` is of all tasks, and it is another for `asr` than for `mt`"),
        ({"tasks": {"mt": {"data": {"text": {"use": "shared.body"}}}}}, "SQ283", "`use` stands for a part of a model, and this is none"),
        ({"train": {"mix": {"type": "constant", "rates": {"asr": 1, "nt": 1}}}}, "SQ200", "there is no task `nt`"),
        ({"train": {"mix": {"type": "constant", "rates": {"asr": 0, "mt": 0}}}}, "SQ200", "every task has the rate 0, so that nothing is trained"),
        ({"train": {"mix": {"type": "constant", "rates": {"asr": 1, "mt": -1}}}}, "SQ107", "`mt` takes a number, at least 0, not `-1`"),
        ({"evaluate": {"score": "nt"}}, "SQ289", "there is no task `nt`"),
        ({"evaluate": {"score": {"mt": 0}}}, "SQ289", "every task has the weight 0, so that nothing decides which checkpoint is best"),
        ({"freeze": [{"parts": ["shared.bodi"]}]}, "SQ237", "there is no part `shared.bodi` in this model"),
        ({"shared": {"body": {"num_leyers": 2}}}, "SQ101", "`num_leyers` is not a key of encoder `transformer`"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_diagnostic(tmp_path, change, code, message):
    assert [(d.code, d.message) for d in told(tmp_path, change)] == [(code, message)]


def test_a_score_of_no_task_is_shown_where_it_is_named(tmp_path):
    (d,) = told(tmp_path, {"evaluate": {"score": {"mt": 1, "nt": 1}}})

    assert (d.code, d.path) == ("SQ289", ("evaluate", "score", "nt"))


def test_tasks_that_share_a_part_of_different_width_are_shown_both(tmp_path):
    (d,) = told(tmp_path, {"tasks": {"asr": {"model": {"embedding": {"dim": 24}}}}})

    assert d.code == "SQ282"
    assert "takes Frames(dim=24, rate=25) in `asr` and Frames(dim=16) in `mt`" in d.message
    assert d.path == ("tasks", "mt", *ENCODER)
    assert [label.text for label in d.labels] == ["the task `asr`", "the task `mt`"]


def test_weights_that_are_all_zero_are_shown_both(tmp_path):
    (d,) = told(tmp_path, {"tasks": {"asr": {"weight": 0}, "mt": {"weight": 0}}})

    assert d.code == "SQ286"
    assert d.span.start != d.labels[0].span.start


def test_a_task_without_data_is_shown_where_it_stands(tmp_path):
    (d,) = told(tmp_path, {"tasks": {"third": {}}})

    assert (d.code, d.message, d.path) == ("SQ280", "the task `third` has no `data`", ("tasks", "third"))


def test_a_circle_is_told_once_with_every_place(tmp_path):
    uses = {name: {"model": {"encoder": {"use": f"tasks.{other}.model.encoder"}}} for name, other in (("asr", "mt"), ("mt", "asr"))}  # fmt: skip
    text = TASKS.replace("shared:\n", "").replace(TASKS.splitlines()[4] + "\n", "")
    (d,) = told(tmp_path, {"tasks": uses}, text=text)

    assert d.code == "SQ284"
    assert len(d.labels) == 1


def test_a_shared_part_cannot_use_itself(tmp_path):
    text = re.sub("body: {type.*}", "body: {use: shared.body}", TASKS)

    assert [(d.code, d.message) for d in told(tmp_path, text=text)] == [("SQ284", "a part cannot use itself")]


def test_a_mistake_in_a_task_names_its_place_in_the_whole(tmp_path):
    (d,) = told(tmp_path, {"tasks": {"mt": {"data": {"batch": {"unit": "seconds"}}}}})

    assert d.path[:3] == ("tasks", "mt", "data")


def test_a_mistake_that_stands_for_all_tasks_is_told_at_its_own_place(tmp_path):
    (found,) = told(tmp_path, {"evaluate": {"score": {"asr": -1.0}}})

    assert found.path == ("evaluate", "score", "asr")


def test_a_misspelt_shared_part_is_given_the_one_that_is_used(tmp_path):
    (found,) = told(tmp_path, {"shared": {"bdy": {"dim": 8}}})

    assert (found.code, found.help) == ("SQ285", "did you mean `shared.body`?")


def test_a_corpus_that_is_not_there_is_asked_for_by_its_task(tmp_path, compiled):
    adapter = build_data(compiled.plan.each["mt"]).adapter

    assert "--set tasks.mt.data.source.root=FOLDER" in str(adapter.missing("gone").help)
