"""Every shipped spec compiles to the plan and the parameters beside it; ``pytest --update`` writes them anew."""

from pathlib import Path

import pytest

from seqspec.compile.cost.parameter_table import parameter_table
from seqspec.compile.explain.plan_text import plan_text
from seqspec.compile.pipeline import compile as compile_spec

ROOT = Path(__file__).parents[1]
SPECS = sorted(ROOT.joinpath("specs").glob("*.yaml"))
GOLDEN = ROOT / "tests" / "golden"


def compare(file, text, update):
    if update:
        file.write_text(text, encoding="utf-8")
    assert file.exists(), f"{file.name} is not there: write it with `pytest --update`, and read it"
    assert text == file.read_text(encoding="utf-8"), f"{file.name} differs: `pytest --update` writes it anew"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_plan_is_as_it_was(spec, update):
    compiled = compile_spec(spec)

    assert compiled.warnings == ()
    compare(GOLDEN / f"{spec.stem}.txt", plan_text(compiled.plan), update)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_parameters_are_as_they_were(spec, update):
    compare(GOLDEN / f"{spec.stem}.params.txt", parameter_table(compile_spec(spec)), update)


def test_no_golden_text_is_left_of_a_spec_that_is_gone():
    stems = {spec.stem for spec in SPECS}

    assert [
        f.name
        for f in GOLDEN.glob("*.txt")
        if f.name.removesuffix(".txt").removesuffix(".params") not in stems
    ] == []
