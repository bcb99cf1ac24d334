import pytest

from seqspec.compile import commands
from seqspec.compile.parse.parse import parse_text
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.reference.starting_specs import NoSuchTask, tasks, template
from seqspec.compile.reference.toml_text import toml_text
from seqspec.schema.source import Source


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("transformer_big", "mt_ende_t2t_big"),
        ("Librispeech960Grapheme", "asr_librispeech"),
        ("librispeech960grapheme", "asr_librispeech"),
        ("image_mnist_lenet5", "image_mnist_lenet5"),
    ],
)
def test_shipped_specs_are_found_by_their_name_and_by_their_forebear(name, spec):
    assert f"\nname: {spec}\n" in template(name)


def test_a_name_of_nothing_is_refused_with_the_tasks():
    with pytest.raises(NoSuchTask, match="there is no template"):
        template("no_such_experiment")


@pytest.mark.parametrize("task", [*tasks(), "lm_ja", "transformer_big"])
def test_toml_means_what_the_yaml_means_and_keeps_its_comments(task, tmp_path):
    for suffix in ("yaml", "toml"):
        assert commands.new(task, output=tmp_path / f"spec.{suffix}").exit == 0

    yaml, toml = (compile_spec(tmp_path / f"spec.{suffix}").plan for suffix in ("yaml", "toml"))

    assert toml.digests == yaml.digests
    text = (tmp_path / "spec.toml").read_text(encoding="utf-8")
    assert text.count("#") >= 0.9 * (tmp_path / "spec.yaml").read_text(encoding="utf-8").count("#")


def test_a_shipped_spec_comes_with_its_bases(tmp_path):
    found = commands.new("transformer_big", output=tmp_path / "mine.yaml")

    assert "mt_ende_t2t_base.yaml" in found.error
    assert {path.name for path in tmp_path.iterdir()} == {
        "mine.yaml", "mt_ende_t2t_base.yaml", "mt_wmt14_ende_base.yaml"
    }  # fmt: skip
    assert "--output" in commands.new("transformer_big", output=None).error


def test_what_is_null_is_written_as_toml_can(tmp_path):
    text = '# on top\nmodel:\n  # above\n  embedding: null   # beside\n  dim: null\nnames: [a, "b \\" c"]\n'
    tree = parse_text(Source("x.yaml", text), language="yaml")

    assert toml_text(tree).splitlines() == [
        'names = ["a", "b \\" c"]',
        "",
        "# on top",
        "[model]",
        "# above",
        "# embedding is null in YAML; TOML has no null   # beside",
        "# dim is null in YAML; TOML has no null",
    ]
    component = parse_text(Source("x.yaml", "data: {text: {target: {segment: null}}}"), language="yaml")
    assert toml_text(component) == 'data = {text = {target = {segment = "none"}}}\n'
