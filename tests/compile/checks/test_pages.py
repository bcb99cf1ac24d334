"""Every rule's page: its wrong example raises exactly its code, its right example nothing."""

import re

import pytest

from seqspec.compile.check import rules
from seqspec.compile.parse.yaml_reader import read
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.source import Source
from tests.compile.experiments import spec

BLOCK = re.compile(r"((?:Example|Use instead)[^\n]*(?:\n[^\n]+)*?)::\n\n((?:    [^\n]*\n|\n)+)", re.MULTILINE)
RULES = {module.CODE: module for module in rules()}


def examples(module):
    """The template's name, the wrong and the right example of a page."""
    blocks = [(" ".join(head.split()), body) for head, body in BLOCK.findall(module.__doc__ + "\n")]
    assert len(blocks) == 2, f"{module.CODE}: a page has one wrong and one right example"
    (wrong_head, wrong), (right_head, right) = blocks
    assert wrong_head.startswith("Example, in the spec of ``seqspec new ")
    assert right_head.startswith("Use instead")
    return re.search(r"seqspec new (\w+)", wrong_head)[1], _data(wrong), _data(right)


def _data(text):
    """As a spec is read: in YAML 1.1 the key `on` would be true."""
    return read(Source("example", text)).data()


def found(folder, task, change):
    try:
        return [d.code for d in compile_spec(spec(folder, task=task, change=change)).warnings]
    except SpecError as error:
        return [d.code for d in error.diagnostics]


@pytest.mark.parametrize("code", RULES)
def test_the_wrong_example_raises_exactly_its_code(code, tmp_path):
    task, wrong, _ = examples(RULES[code])

    assert set(found(tmp_path, task, wrong)) == {code}


@pytest.mark.parametrize("code", RULES)
def test_the_right_example_raises_nothing(code, tmp_path):
    task, _, right = examples(RULES[code])

    assert found(tmp_path, task, right) == []


def test_codes_are_used_once():
    assert len(RULES) == len(rules())
    assert all(re.fullmatch("SQ[2346][0-9][0-9]", code) for code in RULES)


@pytest.mark.parametrize("code", RULES)
def test_findings_say_what_where_and_what_to_do(code, tmp_path):
    task, wrong, _ = examples(RULES[code])
    try:
        diagnostics = compile_spec(spec(tmp_path, task=task, change=wrong)).warnings
    except SpecError as error:
        diagnostics = error.diagnostics

    for diagnostic in diagnostics:
        assert diagnostic.span is not None
        assert diagnostic.help
        assert not diagnostic.message.endswith(".")
        assert "\n" not in diagnostic.message + diagnostic.help
