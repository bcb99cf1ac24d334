"""Which texts an editor's server looks at."""

import pytest

from seqspec.lsp.analysis import analyse
from seqspec.schema.source import Source

FOREIGN = {
    "compose": "services:\n  web:\n    extends: base\n    image: x\n",
    "service of that name": "services:\n  seqspec:\n    image: x\n",
    "eslint": "extends: eslint:recommended\nrules: {}\n",
    "workflow": "name: ci\non: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n",
    "manifest": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
    "broken": "a: [\n",
    "pyproject": "[project]\nname = 'x'\n[tool.seqspec]\na = 1\n",
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_other_files_are_left_alone(text):
    found = analyse(Source("x.yaml", text))

    assert (found.diagnostics, found.foreign) == ((), True)


def test_a_key_within_a_table_of_toml_is_none_of_ours():
    assert analyse(Source("x.toml", "[tool]\nseqspec = 1\n")).foreign
    assert not analyse(Source("x.toml", "seqspec = 1\n[data]\n")).foreign


@pytest.mark.parametrize(
    "text", ["extends: a.yaml\n", "extends:\n  - a.yaml\n", "extends: ['b/a.toml']\n", '{"seqspec": 1}']
)
def test_a_spec_that_only_extends_another_is_ours(text):
    assert not analyse(Source("x.yaml", text)).foreign


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.yaml", "seqspec: 1\nnmae: x\n"),
        ("x.yaml", "# a comment\n{seqspec: 1}\n"),
        ("x.toml", "seqspec = 1\n"),
        ("x.yaml", "extends: base/none.yaml\n"),
        ("base/x.yaml", "nmae: x\n"),
    ],
)
def test_specs_and_their_parts_are_not(name, text):
    found = analyse(Source(name, text))

    assert found.diagnostics
    assert not found.foreign


def test_an_empty_text_may_become_one():
    assert not analyse(Source("x.yaml", "\n# to be written\n")).foreign


def test_a_spec_stays_one_while_it_is_edited():
    before = analyse(Source("x.yaml", "seqspec: 1\n"))

    assert analyse(Source("x.yaml", "sespec: 1\n"), before=before).diagnostics
