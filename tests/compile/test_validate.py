"""Tree to experiment: strict, closed, and told in our own words whatever pydantic calls the mistake."""

import importlib
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic_core import _pydantic_core

from seqspec.compile.resolve.resolve import resolve
from seqspec.compile.validate.schema_errors import Fault
from seqspec.compile.validate.validate import validate
from seqspec.compile.validate.value_hints import explain_value
from tests.compile.trees import mistakes, tree

EXAMPLE = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")


def told(change):
    """The mistakes of the example with some lines put over it."""
    from seqspec.compile.resolve.overlay import merge
    from seqspec.compile.resolve.plugins import catalogue_of

    base = resolve(tree(EXAMPLE, name="example.yaml"))
    return mistakes(lambda: validate(merge(base, tree(change), catalogue=catalogue_of(base))))


def test_the_example_is_valid():
    experiment = validate(resolve(tree(EXAMPLE)))

    assert experiment.model.encoder.dim == 32
    assert experiment.optimizer.schedule.warmup_steps == 10


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ("train: {max_step: 1}", ["SQ101"]),
        ("data: {batch: {unti: tokens}}", ["SQ101"]),
        ("data: {pack: {lenght: 3}}", ["SQ101"]),
        ("data: {pack: {}}", ["SQ102"]),
        ("data: {on_error: stop}", ["SQ108"]),
        ("data: {on_error: {drop: 2}}", ["SQ107"]),
        ("data: {on_error: {dorp: 0.1}}", ["SQ101"]),
        ("data: {on_error: 3}", ["SQ106"]),
        ("data: {on_error: null}", ["SQ113"]),
        ("data: {batch: {buckets: [1, 0]}}", ["SQ107"]),
        ("data: {batch: {buckets: [1, x]}}", ["SQ106"]),
        ("data: {batch: {buckets: 3}}", ["SQ106"]),
        ("data: {expect: {train: many}}", ["SQ106"]),
        ("data: {expect: [1]}", ["SQ106"]),
        ("evaluate: {metrics: [wer, {typ: bleu}]}", ["SQ105"]),
        ("evaluate: {metrics: [wer, 3]}", ["SQ106"]),
        ("evaluate: {metrics: [wer, null]}", ["SQ113"]),
        ("evaluate: {metrics: {a: wer}}", ["SQ106"]),
        ("model: {type: 3}", ["SQ106"]),
        ("model: {type: [x]}", ["SQ106"]),
        ("model: null", ["SQ113"]),
        ("data: null", ["SQ113"]),
        ("seqspec: '1'", ["SQ106"]),
        ("seqspec: 2", ["SQ115"]),
        ("seed: true", ["SQ106"]),
        ("seed: -1", ["SQ107"]),
        ("seed: 1.0", ["SQ106"]),
        ("plugins: seqspec_extra", ["SQ106"]),
        ("train: {clip_norm: .nan}", ["SQ107"]),
    ],
)
def test_one_mistake_is_one_diagnostic(change, codes):
    assert [d.code for d in told(change)] == codes


def test_all_mistakes_come_in_file_order():
    found = told(
        "train: {max_step: 1, clip_norm: x}\nseed: -1\nmodel: {encoder: {dropuot: 0.1, num_layers: 0}}"
    )

    assert [d.code for d in found] == ["SQ101", "SQ106", "SQ107", "SQ101", "SQ107"]
    assert [d.span.start for d in found] == sorted(d.span.start for d in found)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("train: {max_steps: '20'}", "20"),
        ("train: {max_steps: 1e5}", "100000"),
        ("train: {max_steps: 20_000}", "20000"),
        ("train: {exact: no}", "false"),
        ("train: {exact: 'Yes'}", "true"),
        ("description: 1.10", '"1.10"'),
        ("evaluate: {metrics: wer}", "[wer]"),
        ("evaluate: {splits: dev}", "[dev]"),
    ],
)
def test_safe_fixes_write_what_was_meant(change, text):
    (found,) = told(change)

    assert (found.fix.safe, found.fix.edits[0].text) == (True, text)


@pytest.mark.parametrize(
    ("change", "help"),
    [
        ("data: {filter: {max_seconds: 1:30}}", "`90`"),
        ("model: {encoder: {dropout: 10%}}", "`0.1`"),
        ("train: {max_steps: 20k}", "`20000`"),
        ("data: {filter: {max_seconds: 30s}}", "the number alone"),
        ("train: {clip_norm: None}", "`null`"),
        ("optimizer: {lr: 0.1}", "`optimizer.schedule.peak`"),
        ("trainer: {max_steps: 3}", "`train`"),
        ("model: {encoder: {type: transformer, d_model: 4}}", "`dim`"),
        ("evaluate: {max_steps: 3}", "`max_steps` is a key of `train`, where it is given already"),
        ("train: {every_steps: 3}", "`every_steps` is a key of `evaluate`"),
        ("model: {encoder: {type: Transformer_}}", "`transformer`"),
        ("optimizer: {type: sgd, amsgrad: true}", "not of `sgd`"),
    ],
)
def test_help_knows_what_was_meant(change, help):
    (found,) = told(change)

    assert help in found.help


def test_a_value_of_a_base_is_blamed_in_the_base():
    base = resolve(tree("seed: -1\n" + EXAMPLE.replace("seqspec: 1\n", "seqspec: 1\n"), name="base.yaml"))
    (found,) = mistakes(lambda: validate(base))

    assert str(found.span) == "base.yaml:1:7"


def test_a_reference_is_blamed_once():
    found = told('train: {max_steps: many}\nevaluate: {every_steps: "${train.max_steps}"}')
    assert [d.code for d in found] == [
        "SQ106",
        "SQ106",
    ]  # not resolved here: the text of the reference itself is wrong

    root = resolve(
        tree(
            EXAMPLE.replace("max_steps: 200", "max_steps: many").replace(
                "every_steps: 100,", 'every_steps: "${train.max_steps}",'
            )
        )
    )
    assert [str(d.span) for d in mistakes(lambda: validate(root))] == ["spec.yaml:16:20"]


PYDANTIC = [error["type"] for error in _pydantic_core.list_all_errors()]
TEXTS = {error["type"]: error["message_template_python"] for error in _pydantic_core.list_all_errors()}


@pytest.mark.parametrize("kind", PYDANTIC)
def test_no_text_of_pydantic_reaches_a_person(kind):
    root = tree("seed: word")
    from seqspec.schema.experiment import Experiment

    field = Experiment.model_fields["seed"]
    found = explain_value(
        Fault(
            ("seed",), kind, {"error": ValueError("own words")}, root.at(("seed",)), Experiment, field, None
        ),
        root,
    )

    assert "Input should" not in found.message
    assert (
        found.message == "own words"
        if kind in ("value_error", "assertion_error")
        else "`seed`" in found.message
    )
    assert found.code.startswith("SQ1")


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    size: Annotated[int, Field(ge=1)] = 1


KINDS = {
    "a": int, "b": float, "c": bool, "d": str, "e": list[int], "f": dict[str, float], "g": Literal["x", "y"], "h": Inner,
    "i": Annotated[str, Field(pattern="^a+$")], "j": Annotated[list[int], Field(min_length=2, max_length=3)], "k": tuple[int, int],
    "l": int | None, "m": Literal["auto"] | int, "n": Literal["x"] | Inner, "o": Annotated[int, Field(multiple_of=8)], "p": Annotated[str, Field(max_length=3)],
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    "value", [None, True, -1, 1.5, float("inf"), "", "zzzz", [], [1], ["x", {}], {}, {"size": 0}, {"y": 1}]
)
def test_every_kind_of_field_and_value(name, value):
    from pydantic import ValidationError

    model = create_model(
        "Made",
        __config__=ConfigDict(extra="forbid", strict=True, allow_inf_nan=False),
        **{name: (KINDS[name], ...)},
    )
    try:
        model.model_validate({name: value})
    except ValidationError as error:
        errors = error.errors(include_url=False)
    else:
        return
    root = tree(f"{name}: " + ("1" if value == float("inf") else __import__("json").dumps(value)))
    for each in errors:
        path = tuple(part for part in each["loc"] if root.at((part,)) is not None)[:1] or (name,)
        fault = Fault(
            path, each["type"], each.get("ctx") or {}, root.at(path), model, model.model_fields[name], None
        )
        found = explain_value(fault, root)

        assert f"`{name}`" in found.message
        assert "Input should" not in f"{found.message}{found.help}"


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Another package with an encoder of its own, installed as far as Python can tell."""
    from importlib.metadata import entry_points

    plugins = importlib.import_module("seqspec.compile.resolve.plugins")
    package = tmp_path / "seqspec_extra"
    (package / "schema" / "encoder").mkdir(parents=True)
    for folder in (package, package / "schema", package / "schema" / "encoder"):
        (folder / "__init__.py").write_text("")
    (package / "schema" / "encoder" / "mirror.py").write_text(
        "from seqspec.schema.config import Config\n\n\nclass MirrorConfig(Config):\n    depth: int = 1\n\n    def output(self, source):\n        return source\n"
    )
    info = tmp_path / "seqspec_extra-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: seqspec-extra\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[seqspec]\nextra = seqspec_extra\nbroken = seqspec_broken\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert any(point.name == "extra" for point in entry_points(group="seqspec"))
    plugins._catalogue.cache_clear()
    yield
    plugins._catalogue.cache_clear()


def test_a_plugin_adds_components(plugin):
    spec = EXAMPLE.replace(
        "{type: transformer, num_layers: 1, dim: 32, num_heads: 2}", "{type: mirror, depth: 2}"
    )

    assert validate(resolve(tree(spec + "plugins: [extra]\n"))).model.encoder.depth == 2
    assert [d.code for d in mistakes(lambda: validate(resolve(tree(spec))))] == ["SQ103"]


@pytest.mark.parametrize("name", ["nope", "broken"])
def test_a_plugin_that_is_not_there(plugin, name):
    (found,) = mistakes(lambda: resolve(tree(EXAMPLE + f"plugins: [extra, {name}]\n")))

    assert (found.code, found.span.text) == ("SQ116", name)


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ("model: {encoder: {type: 3}}", "SQ106", "the name of an encoder"),
        ("evaluate: {metrics: [{chrf: {}}]}", "SQ105", "`type: chrf`"),
        ("evaluate: {metrics: [{name: chrf}]}", "SQ105", "`type` by `name`"),
        (
            "optimizer: {type: adam, schedule: {type: piecewise, rates: [1, 2], steps: x}}",
            "SQ106",
            "whole numbers",
        ),
        ("name: 123", "SQ106", '`"123"`'),
    ],
)
def test_slips_in_the_shape_of_a_component(change, code, word):
    (found,) = told(change)

    assert found.code == code
    assert word in f"{found.message} {found.help}"
