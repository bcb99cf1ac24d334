"""The tutorials of CONTRIBUTING.md work as they are printed: as a plugin, their specs compile and step."""

import importlib
import math
import re
import sys
from importlib import util
from pathlib import Path

import pytest
import torch

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.build.program import build
from seqspec.compile.language.field_docs import field_docs
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.compile.resolve import plugins
from seqspec.data.batching.loader import training_loader
from seqspec.data.stages.prepare import prepare

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```python\n# (\S+\.py)\n(.*?)```", PAGE, re.DOTALL))
SOURCES = [path for path in FILES if path.startswith("seqspec/schema/")]
TESTS = [path for path in FILES if path.startswith("tests/")]
SPECS = re.findall(r"```yaml\n(seqspec: 1\n.*?)```", PAGE, re.DOTALL)
PACKAGE = "seqspec_tutorial"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The printed files as a package of their own, installed as far as Python can tell."""
    root = tmp_path_factory.mktemp("plugin")
    for path, text in FILES.items():
        file = root / path.replace("seqspec/", f"{PACKAGE}/", 1)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_renamed(text), encoding="utf-8")
    for folder in {file.parent for file in (root / PACKAGE).rglob("*.py")}:
        for each in (folder, *folder.parents):
            if root in each.parents:
                (each / "__init__.py").touch()
    info = root / f"{PACKAGE}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[seqspec]\ntutorial = {PACKAGE}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        plugins._catalogue.cache_clear()
        yield root
    plugins._catalogue.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def _renamed(text):
    """Imports of the tutorials' own files lead into the package."""
    for path in FILES:
        name = path.removesuffix(".py").replace("/", ".")
        text = text.replace(
            f"from {name} import", f"from {name.replace('seqspec.', PACKAGE + '.', 1)} import"
        )
    return text


def test_the_tutorials_are_an_encoder_a_metric_and_a_family():
    assert [path.split("/")[2] for path in SOURCES] == ["encoder", "metric", "model"]
    assert len(TESTS) == 2
    assert len(SPECS) == 2


@pytest.mark.parametrize("path", SOURCES)
def test_every_field_has_its_sentence(package, path):
    module = importlib.import_module(
        path.removesuffix(".py").replace("seqspec/", f"{PACKAGE}/").replace("/", ".")
    )
    (config,) = (each for name, each in vars(module).items() if name.endswith("Config") and name != "Config")

    assert [field for field, sentence in field_docs(config).items() if not sentence.strip()] == []


@pytest.mark.parametrize("path", TESTS)
def test_the_tests_that_are_printed_pass(package, path):
    spec = util.spec_from_file_location(Path(path).stem, package / path)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [each for name, each in vars(module).items() if name.startswith("test_")]

    assert tests
    for test in tests:
        test()


@pytest.mark.parametrize("text", SPECS, ids=lambda text: re.search(r"name: (\w+)", text)[1])
def test_the_specs_that_are_printed_compile_and_step(package, text, tmp_path):
    file = tmp_path / "spec.yaml"
    file.write_text(f"{text}plugins: [tutorial]\n", encoding="utf-8")
    compiled = compile_spec(file)
    prepared = prepare(build_data(compiled.plan), cache=tmp_path, splits=["train"], processes=1)
    compiled = recompile(compiled, facts=dict(prepared.facts))
    program = build(compiled.plan, tree=compiled.tree)
    batch = next(iter(training_loader(prepared.parts, prepared.splits["train"], stop=1)))

    torch.manual_seed(0)
    loss = program.losses(program.model, batch)
    loss.total.backward()

    assert math.isfinite(loss.total.item())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in program.model.parameters())
    assert len(program.model.decode(batch, None)) == len(batch.index)
