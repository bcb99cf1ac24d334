"""Plugins: their names, their faults, their pages, and the test kit for their authors."""

import importlib
from contextlib import nullcontext

import pytest
from typer.testing import CliRunner

from seqspec import testing
from seqspec.cli import app
from seqspec.compile.build.plugin_promises import require_promises
from seqspec.compile.diagnostics.plugin_errors import plugins_at_work
from seqspec.compile.validation import Options, validate_file
from seqspec.schema.catalogue import Catalogue, PluginError
from tests.compile.test_validation_of_files import EXAMPLE

MIRROR = '''"""A mirror."""

from seqspec.schema.config import Config
from seqspec.schema.types import States


class MirrorConfig(Config):
    """Gives what it takes."""

    depth: int = 1
    """Mirrors behind one another."""
    dim: int = 32
    """Width."""

    def output(self, source):
        return States(dim=self.dim)
'''
TWIN = '''"""A mirror."""

from torch import nn


class Mirror(nn.Module):
    def __init__(self, config, source):
        super().__init__()
        self.depth = config.depth

    def forward(self, x, lengths):
        return x, lengths
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a package with one encoder, installed as far as Python can tell."""
    stage = importlib.import_module("seqspec.compile.resolve.plugins")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    count = len(list(tmp_path.parent.iterdir()))

    def write(config=MIRROR, twin=TWIN, name="mirror"):
        package = tmp_path / f"extra_{tmp_path.name}_{count}".replace("-", "_").replace("[", "_").replace(
            "]", "_"
        )
        for part, text in (("schema", config), ("components", twin)):
            (package / part / "encoder").mkdir(parents=True)
            for folder in (package, package / part, package / part / "encoder"):
                (folder / "__init__.py").write_text("")
            (package / part / "encoder" / f"{name}.py").write_text(text)
        info = tmp_path / "seqspec_extra-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: seqspec-extra\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[seqspec]\nextra = {package.name}\n")
        stage._catalogue.cache_clear()
        importlib.invalidate_caches()
        return package.name

    yield write
    stage._catalogue.cache_clear()


def spec(tmp_path, encoder):
    text = EXAMPLE.replace("{type: transformer, num_layers: 1, dim: 32, num_heads: 2}", encoder)
    (tmp_path / "spec.yaml").write_text(text + "plugins: [extra]\n", encoding="utf-8")
    return validate_file(tmp_path / "spec.yaml", Options())


def test_a_name_that_is_taken_is_told(plugin, tmp_path):
    package = plugin(MIRROR.replace("Mirror", "Transformer"), name="transformer")
    [found] = spec(tmp_path, "transformer")

    assert found.code == "SQ140"
    assert found.message == f"`{package}` offers the encoder `transformer`, and so does `seqspec`"


@pytest.mark.parametrize(
    ("config", "word"),
    [
        (MIRROR.replace("return States(dim=self.dim)", "return 1 / 0"), "ZeroDivisionError at mirror.py:16"),
        (MIRROR.replace("MirrorConfig", "Other"), "gives no `MirrorConfig`"),
        (MIRROR + "import nothing_of_that_name\n", "No module named"),
    ],
)
def test_a_fault_of_a_plugin_is_called_its_own(config, word, plugin, tmp_path):
    package = plugin(config)
    [found] = spec(tmp_path, "mirror")

    assert found.code == "SQ141"
    assert found.message.startswith(f"the plugin `{package}` failed")
    assert word in found.message


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (["list", "encoder", "--plugin", "extra"], "mirror"),
        (["explain", "encoder.mirror", "--plugin", "extra"], "Mirrors behind one another"),
        (["schema", "--plugin", "extra"], '"mirror"'),
    ],
)
def test_commands_show_the_components_of_a_plugin(command, word, plugin):
    plugin()
    with_plugin = CliRunner().invoke(app, command)
    without = CliRunner().invoke(app, command[:-2])
    unknown = CliRunner().invoke(app, [*command[:-1], "nope"])

    assert (with_plugin.exit_code, word in with_plugin.output) == (0, True)
    assert word not in without.output
    assert (unknown.exit_code, "nope" in unknown.output) == (2, True)


def test_the_test_kit_passes_a_sound_plugin(plugin):
    plugin()

    assert testing.components("extra") == [("encoder", "mirror")]
    testing.check_component("extra", "encoder", "mirror")
    testing.check_plugin("extra")


def test_the_test_kit_builds_a_spec(plugin, tmp_path):
    plugin()
    assert [d.message for d in spec(tmp_path, "{type: mirror, depth: 2}")] == []
    testing.check_spec(tmp_path / "spec.yaml")
    spec(tmp_path, "{type: mirror, deepth: 2}")

    with pytest.raises(AssertionError, match="SQ101"):
        testing.check_spec(tmp_path / "spec.yaml")


@pytest.mark.parametrize(
    ("config", "twin", "word"),
    [
        (MIRROR.replace('    """Mirrors behind one another."""\n', ""), TWIN, "without a sentence"),
        (MIRROR.replace("    def output", "    def other"), TWIN, "neither"),
        (MIRROR, TWIN.replace("Mirror(", "Other("), "Mirror"),
    ],
)
def test_the_test_kit_finds_what_is_missing(config, twin, word, plugin):
    plugin(config, twin)

    with pytest.raises((AssertionError, PluginError), match=word):
        testing.check_component("extra", "encoder", "mirror")


def test_the_test_kit_finds_configs_that_load_torch(plugin):
    plugin("import torch\n" + MIRROR)

    with pytest.raises(AssertionError, match="loads torch"):
        testing.check_plugin("extra")


class Half:
    """A metric of a plugin that promises too little."""

    reads = "label"
    better = "higher"

    def update(self, hypothesis, reference):
        pass


def test_what_a_plugin_s_component_lacks_is_told_when_it_is_built(monkeypatch):
    monkeypatch.setattr(Half, "__module__", "extra.components.metric.half")

    with pytest.raises(PluginError) as refused:
        require_promises(Half(), slot="metric", name="half")

    assert refused.value.name == "extra"
    assert "its metric `half`" in refused.value.reason
    assert (
        "it has no `compute`, it has no `signature`, its `reads` is 'label', and must be"
        in refused.value.reason
    )


def test_components_of_our_own_keep_the_promises_that_are_asked_of_plugins(monkeypatch):
    """Ours, called another package's: the same is asked of both."""
    for slot, names in (("metric", ("accuracy", "bleu")), ("tokenizer", ("characters",))):
        for name in names:
            cls = Catalogue().module(slot, name)
            monkeypatch.setattr(cls, "__module__", "extra.thing")
            require_promises(cls.__new__(cls), slot=slot, name=name)


def test_an_error_of_ours_beside_a_plugin_names_the_plugin(plugin):
    package = plugin()
    assert package not in plugins_at_work()
    Catalogue(("extra",)).config("encoder", "mirror")

    assert f"`{package}` took part" in plugins_at_work()


KEPT = TWIN.replace(
    "        self.depth = config.depth\n",
    "        self.depth = config.depth\n        self.layer = nn.Linear(source.dim, config.dim)\n",
).replace("return x, lengths", "return self.layer(x), lengths")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("", "", None),
        ("self.layer(x),", "self.layer(x).detach().requires_grad_(),", "no gradient reaches layer.weight"),
        ("source.dim, config.dim", "source.dim, 2 * config.dim", "declared are 32"),
        ("self.layer(x),", "self.layer(x - x.mean(1, keepdim=True)),", "beyond an example's length"),
        ("        self.depth = config.depth\n", "", "never reads `depth`"),
        (
            "config.dim)\n",
            "config.dim)\n        nn.init.constant_(self.layer.bias, id(self) % 9973)\n",
            "differ in",
        ),
    ],
)
def test_the_test_kit_holds_encoders_to_their_promises(old, new, word, plugin):
    plugin(MIRROR, KEPT.replace(old, new) if old else KEPT)
    promised = nullcontext() if word is None else pytest.raises(AssertionError, match=word)

    with promised:
        testing.check_encoder("extra", {"type": "mirror", "depth": 1, "dim": 32})
