from pathlib import Path

import jsonschema
import pytest
import yaml

from seqspec.compile.parse.parse import parse
from seqspec.compile.reference.json_schema import json_schema
from seqspec.compile.reference.starting_specs import template
from seqspec.schema.catalogue import Catalogue
from tests.compile.experiments import merged

ROOT = Path(__file__).parents[2]
SPECS = [*sorted(ROOT.glob("specs/**/*.yaml")), *sorted(ROOT.glob("seqspec/compile/templates/*.yaml"))]


@pytest.fixture(scope="module")
def schema():
    return json_schema(Catalogue())


@pytest.fixture(scope="module")
def validator(schema):
    return jsonschema.Draft7Validator(schema)


def test_it_is_a_schema(schema):
    jsonschema.Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_every_shipped_spec_is_accepted(validator, file):
    assert [error.message for error in validator.iter_errors(parse(file).data())] == []


@pytest.mark.parametrize(
    "change",
    [
        {"trian": {}},
        {"train": {"max_stepz": 3}},
        {"train": {"max_steps": "many"}},
        {"train": {"max_steps": 0}},
        {"train": {"precision": "float64"}},
        {"model": {"encoder": {"dropuot": 0.1}}},
        {"model": {"encoder": {"type": "transfomer"}}},
        {"model": {"encoder": "transfomer"}},
        {"model": {"encoder": {"num_layers": 2.5}}},
        {"model": {"encoder": {"dropout": 1.5}}},
        {"evaluate": {"metrics": ["bleux"]}},
        {"evaluate": {"metrics": "chrf"}},
        {"evaluate": {"splits": ["devel"]}},
        {"data": {"batch": {"unit": "words"}}},
        {"data": {"text": {"source": {"tokenizer": {"vocab_size": 1}}}}},
        {"seqspec": 2},
        {"profiles": {"tiny": {"trian": {}}}},
        {"extends": 3},
    ],
    ids=str,
)
def test_mistakes_that_it_can_express_are_refused(validator, change):
    spec = yaml.safe_load(template("mt").replace("1.0e-3", "0.001"))

    assert list(validator.iter_errors(merged(spec, change)))


@pytest.mark.parametrize(
    "path", [("train", "max_steps"), ("data", "batch", "unit"), ("model", "type"), ("name",)]
)
def test_what_is_missing_is_refused_unless_a_base_may_have_it(validator, path):
    spec = yaml.safe_load(template("mt"))
    holder = spec
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]

    assert list(validator.iter_errors(spec))
    assert list(validator.iter_errors({**spec, "extends": "base.yaml"})) == []


@pytest.mark.parametrize("value", ["${data.batch.size}", "${a.b[0]}"])
def test_references_are_allowed_wherever_a_value_is(validator, value):
    spec = yaml.safe_load(template("mt").replace("1.0e-3", "0.001"))
    for change in (
        {"train": {"max_steps": value}},
        {"model": {"encoder": value}},
        {"data": {"filter": value}},
    ):
        assert list(validator.iter_errors(merged(spec, change))) == []


def test_every_field_has_its_sentence(schema):
    silent = [
        f"{name}.{key}"
        for name, definition in schema["definitions"].items()
        if not name.startswith("complete")
        for key, field in definition.get("properties", {}).items()
        if key != "type" and not field.get("description")
    ]

    assert silent == []
