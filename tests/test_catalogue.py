"""Every component at once, by the folder listing: a new file is tested the moment it exists."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from seqspec.compile.language.field_docs import field_docs
from seqspec.schema.catalogue import SLOTS, Catalogue, class_name

ROOT = Path(__file__).parents[1] / "seqspec"
CATALOGUE = Catalogue()
COMPONENTS = [(slot, name) for slot in SLOTS for name in CATALOGUE.names(slot)]
WITHOUT_TWIN = ("schedule", "mix")
"""Pure functions of the step: the config is all there is of them."""


@pytest.mark.parametrize(("slot", "name"), COMPONENTS)
def test_config_is_named_after_its_file_and_documented(slot, name):
    cls = CATALOGUE.config(slot, name)

    assert cls.__name__ == class_name(name) + "Config"
    assert importlib.import_module(cls.__module__).__doc__
    missing = [field for field, sentence in field_docs(cls).items() if not sentence.strip()]
    assert missing == []


@pytest.mark.parametrize(("slot", "name"), COMPONENTS)
def test_config_says_what_comes_out(slot, name):
    cls = CATALOGUE.config(slot, name)

    declares = ("output", "wire", "roles", "rate", "gives", "phases")
    silent = slot in (
        "optimizer",
        "normalizer",
        "segmenter",
        "augment",
        "search",
        "metric",
        "attention",
        "adaptation",
    )
    assert silent or any(hasattr(cls, method) for method in declares)


@pytest.mark.parametrize(("slot", "name"), [c for c in COMPONENTS if c[0] not in WITHOUT_TWIN])
def test_component_file_holds_the_class_of_its_name(slot, name):
    assert CATALOGUE.module(slot, name).__name__ == class_name(name)


def test_no_component_without_a_config():
    built = {
        f"{p.parent.name}/{p.stem}"
        for p in (ROOT / "components").glob("*/*.py")
        if not p.stem.startswith("_")
    }

    assert {b for b in built if not b.startswith("_layers/")} - {f"{s}/{n}" for s, n in COMPONENTS} == set()


def test_no_config_loads_torch():
    code = (
        "import sys; from seqspec.schema.catalogue import *; c = Catalogue();"
        "[c.config(s, n) for s in SLOTS for n in c.names(s)];"
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
