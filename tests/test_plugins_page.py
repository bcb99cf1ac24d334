"""The template of docs/plugins.md is a package that works: its spec compiles, builds and runs forward."""

import re
import sys
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest
import torch

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.compile.resolve import plugins
from seqspec.data.stages.prepare import prepare
from seqspec.schema.diagnostic import SpecError

PAGE = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
(SPEC,) = map(dedent, re.findall(r"```yaml\n( *plugins: .*?)```", PAGE, re.DOTALL))
PACKAGE = "seqspec_swish"


@pytest.fixture
def template(tmp_path, monkeypatch):
    """The printed package, and what an installer would write beside it."""
    for path, text in FILES.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        for folder in file.relative_to(tmp_path).parents[:-1]:
            (tmp_path / folder / "__init__.py").touch()
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    points = "".join(f"{name} = {value}\n" for name, value in project["entry-points"]["seqspec"].items())
    info = tmp_path / f"{PACKAGE}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[seqspec]\n{points}")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins._catalogue.cache_clear()
    yield tmp_path
    plugins._catalogue.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_the_template_compiles_and_builds(template):
    spec = template / "spec.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    compiled = compile_spec(spec)
    prepared = prepare(build_data(compiled.plan), cache=template, splits=["train"], processes=1)
    program = build(recompile(compiled, facts=dict(prepared.facts)).plan, tree=compiled.tree)

    states_BTD, _ = program.model.encoder(torch.randn(2, 5, 16), torch.tensor([5, 3]))

    assert type(program.model.encoder).__module__ == f"{PACKAGE}.components.encoder.gated_layers"
    assert states_BTD.shape == (2, 5, 16)


def test_the_template_passes_its_own_tests(template):
    namespace = {}
    exec(FILES["tests/test_promises.py"].replace("@pytest", "# @pytest"), namespace)

    for slot, name in namespace["testing"].components("swish"):
        namespace["test_names_documents_and_types"](slot, name)
    namespace["test_gated_layers"]()
    namespace["test_halving"]()


def test_without_the_plugin_the_name_is_unknown(template):
    spec = template / "spec.yaml"
    spec.write_text(SPEC.replace("plugins: [swish]\n", ""), encoding="utf-8")

    with pytest.raises(SpecError) as refused:
        compile_spec(spec)

    assert [each.code for each in refused.value.diagnostics] == ["SQ103"]
