"""One overlay rule for bases, profiles and the command line; references; where every value came from."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.compile.parse.parse import parse
from seqspec.compile.resolve.overlay import merge
from seqspec.compile.resolve.plugins import catalogue_of
from seqspec.compile.resolve.resolve import Overlay, resolve
from tests.compile.trees import mistakes, tree


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return path

    return write


def resolved(text, *over):
    return resolve(tree(text), [Overlay.set(o) if "=" in o else Overlay.profile(o) for o in over]).data()


def wrong(text, *over):
    return [d.code for d in mistakes(resolved, text, *over)]


def put_over(base, over):
    base, over = tree(base), tree(over)
    return merge(base, over, catalogue=catalogue_of(base)).data()


class TestTheOneRule:
    def test_maps_merge_and_lists_and_scalars_are_replaced(self):
        given = put_over(
            "train: {max_steps: 1, l2: 0.5}\nevaluate: {splits: [dev, test]}",
            "train: {l2: 1.0}\nevaluate: {splits: [dev]}",
        )

        assert given == {"train": {"max_steps": 1, "l2": 1.0}, "evaluate": {"splits": ["dev"]}}

    @pytest.mark.parametrize(
        ("base", "over", "left"),
        [
            ("data: {source: {type: librispeech, parts: {train: [a], test: [b]}}}", "data: {source: {parts: {test: null}}}",
             {"data": {"source": {"type": "librispeech", "parts": {"train": ["a"]}}}}),
            ("data: {source: {type: tsv, splits: {train: a, dev: b}}}", "data: {source: {splits: {dev: null, test: c}}}",
             {"data": {"source": {"type": "tsv", "splits": {"train": "a", "test": "c"}}}}),
            ("losses: {a: ctc, b: cross_entropy}", "losses: {a: null}", {"losses": {"b": "cross_entropy"}}),
            ("train: {l2: 0.5}", "train: {l2: null}", {"train": {"l2": None}}),
            ("data: {text: {target: {segment: mecab}}}", "data: {text: {target: {segment: null}}}",
             {"data": {"text": {"target": {"segment": None}}}}),
        ],
    )  # fmt: skip
    def test_nothing_takes_a_name_away_and_is_a_value_elsewhere(self, base, over, left):
        assert put_over(base, over) == left

    def test_a_changed_type_starts_afresh(self):
        given = put_over(
            "model: {encoder: {type: transformer, dim: 8}}",
            "model: {encoder: {type: conformer, num_heads: 2}}",
        )

        assert given["model"]["encoder"] == {"type": "conformer", "num_heads": 2}

    @pytest.mark.parametrize("over", ["{type: transformer, num_heads: 2}", "{num_heads: 2}"])
    def test_the_same_type_merges(self, over):
        given = put_over(
            "model: {type: encoder_decoder, encoder: {type: transformer, dim: 8}}",
            f"model: {{encoder: {over}}}",
        )

        assert given["model"]["encoder"] == {"type": "transformer", "dim": 8, "num_heads": 2}

    def test_the_short_form_is_a_type(self):
        base = "model: {type: encoder_decoder, encoder: transformer}"

        assert put_over(base, "model: {encoder: {dim: 8}}")["model"]["encoder"] == {
            "type": "transformer",
            "dim": 8,
        }
        assert put_over(base, "model: {encoder: conformer}")["model"]["encoder"] == "conformer"

    def test_the_short_form_of_the_same_type_keeps_the_settings(self):
        base = "model: {type: encoder_decoder, encoder: {type: transformer, dim: 8}}"

        assert put_over(base, "model: {encoder: transformer}")["model"]["encoder"] == {
            "type": "transformer",
            "dim": 8,
        }
        assert put_over(base, "model: {encoder: conformer}")["model"]["encoder"] == "conformer"

    def test_a_word_that_is_no_component_is_a_scalar(self):
        assert put_over("data: {on_error: fail}", "data: {on_error: {drop: 0.1}}")["data"]["on_error"] == {
            "drop": 0.1
        }

    def test_a_type_that_is_not_stated_is_the_default(self):
        base = "optimizer: {weight_decay: 0.1}"

        assert put_over(base, "optimizer: {type: adamw}")["optimizer"] == {
            "weight_decay": 0.1,
            "type": "adamw",
        }
        assert put_over(base, "optimizer: {type: sgd}")["optimizer"] == {"type": "sgd"}

    def test_nothing_is_put_over_something(self):
        assert put_over("data: {pack: {length: 3}}", "data: {pack: null}") == {"data": {"pack": None}}


leaves = st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2)
trees = st.recursive(
    st.dictionaries(st.sampled_from("abc"), leaves, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | leaves, max_size=3),
    max_leaves=6,
)


def node(data):
    import json

    return tree("root: " + json.dumps(data))


@settings(max_examples=100, deadline=None)
@given(trees, trees, trees)
def test_putting_over_is_associative_and_idempotent(a, b, c):
    one, two, three = node(a), node(b), node(c)
    catalogue = catalogue_of(one)

    def over(below, above):
        return merge(below, above, catalogue=catalogue)

    assert over(one, one).data() == one.data()
    assert over(over(one, two), two).data() == over(one, two).data()
    if not _reshapes(a, b) and not _reshapes(b, c) and not _reshapes(a, c):
        assert over(over(one, two), three).data() == over(one, over(two, three)).data()


def _reshapes(below, above):
    """A mapping stands over a value or a value over a mapping: then grouping decides what is left."""
    if isinstance(below, dict) and isinstance(above, dict):
        return any(_reshapes(below[key], above[key]) for key in below if key in above)
    return isinstance(below, dict) != isinstance(above, dict)


class TestExtends:
    def test_bases_come_in_order_and_the_file_itself_last(self, write):
        write(one="seed: 1\nname: one\ntrain: {max_steps: 1}", two="seed: 2\ntrain: {l2: 0.5}")
        file = write(spec="extends: [one.yaml, two.yaml]\nname: spec")

        assert resolve(parse(file)).data() == {
            "seed": 2,
            "name": "spec",
            "train": {"max_steps": 1, "l2": 0.5},
        }

    def test_a_base_is_relative_to_its_own_file(self, write):
        write(parts__deep="seed: 5", parts__one="extends: deep.yaml")
        file = write(spec="extends: parts/one.yaml")

        assert resolve(parse(file)).data() == {"seed": 5}

    def test_toml_and_yaml_extend_one_another(self, write, tmp_path):
        (tmp_path / "base.toml").write_text("[train]\nmax_steps = 3\n")
        file = write(spec="extends: base.toml\ntrain: {l2: 0.5}")

        assert resolve(parse(file)).data() == {"train": {"max_steps": 3, "l2": 0.5}}

    def test_a_base_that_changes_is_read_again(self, write):
        write(base="seed: 1")
        file = write(spec="extends: base.yaml")
        before = resolve(parse(file)).data()
        write(base="seed: 22")

        assert (before, resolve(parse(file)).data()) == ({"seed": 1}, {"seed": 22})

    def test_profiles_are_inherited_and_put_over_in_order(self, write):
        write(base="seed: 1\nprofiles: {tiny: {seed: 2, train: {max_steps: 2}}}")
        file = write(spec="extends: base.yaml\nprofiles: {tiny: {train: {l2: 0.5}}, other: {seed: 3}}")

        given = resolve(
            parse(file), [Overlay.profile("tiny"), Overlay.profile("other"), Overlay.set("train.max_steps=9")]
        )

        assert given.data() == {"seed": 3, "train": {"max_steps": 9, "l2": 0.5}}

    def test_an_inherited_profile_says_nothing_of_a_component_of_another_type(self, write):
        write(
            base="model: {type: encoder_decoder, encoder: {type: conv_lstm}}\nprofiles: {tiny: {model: {encoder: {kernel: 1}}, seed: 2}}"
        )
        file = write(spec="extends: base.yaml\nmodel: {encoder: {type: transformer, dim: 8}}")

        given = resolve(parse(file), [Overlay.profile("tiny")]).data()

        assert given["model"]["encoder"] == {"type": "transformer", "dim": 8}
        assert given["seed"] == 2

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("extends: nope.yaml", "SQ301"), ("extends: ''", "SQ305"), ("extends: 3", "SQ305"), ("extends: [base.yaml, [x]]", "SQ305"),
            ("extends: /etc/hosts", "SQ303"), ("extends: ../outside.yaml", "SQ303"), ("extends: spec.yaml", "SQ302"), ("extends: back.yaml", "SQ302"),
            ("extends: .", "SQ301"), ("extends: link.yaml", "SQ303"), ("extends: wrong.yaml", "SQ001"), ("extends: list.yaml", "SQ017"),
            ("profiles: 3", "SQ321"), ("profiles: {a: 3}", "SQ321"), ("profiles: {a: {extends: x}}", "SQ321"), ("profiles: {a: {profiles: {}}}", "SQ321"),
        ],
    )  # fmt: skip
    def test_bad_bases_and_profiles(self, write, tmp_path, text, code):
        (tmp_path.parent / "outside.yaml").write_text("seed: 1")
        (tmp_path / "link.yaml").symlink_to(tmp_path.parent / "outside.yaml")
        write(base="seed: 1", back="extends: spec.yaml", wrong="a: [", list="- 1")
        file = write(spec=text)

        assert [d.code for d in mistakes(lambda: resolve(parse(file)))] == [code]

    def test_a_chain_of_many_files(self, write):
        for number in range(12):
            file = write(**{f"f{number}": f"extends: f{number - 1}.yaml" if number else "seed: 1"})

        (found,) = mistakes(lambda: resolve(parse(file)))

        assert found.code == "SQ304"

    def test_a_circle_shows_the_way_round(self, write):
        write(b="extends: c.yaml", c="extends: a.yaml")
        file = write(a="extends: b.yaml").with_name("a.yaml")

        (found,) = mistakes(lambda: resolve(parse(file)))

        assert found.code == "SQ302"
        assert found.note.count("→") == 3

    def test_keys_of_composition_are_gone_afterwards(self, write):
        write(base="seed: 1\nprofiles: {a: {seed: 2}}")
        file = write(spec="extends: base.yaml\nprofiles: {b: {seed: 3}}")

        assert set(resolve(parse(file)).value) == {"seed"}


class TestCommandLine:
    @pytest.mark.parametrize(
        ("text", "path", "value"),
        [
            ("train.max_steps=5", ("train", "max_steps"), 5), ("train.l2=3e-4", ("train", "l2"), 3e-4), ("name=no", ("name",), "no"),
            ("evaluate.metrics=[wer, {type: bleu}]", ("evaluate", "metrics"), ["wer", {"type": "bleu"}]),
            ("evaluate.metrics[1].type=chrf", ("evaluate", "metrics"), ["wer", {"type": "chrf"}]), ("data.pack=", ("data", "pack"), None),
            ("evaluate.metrics[0]=cer", ("evaluate", "metrics"), ["cer", {"type": "bleu", "x": 1}]), ('name="a=b"', ("name",), "a=b"),
            ("description=a: b", ("description",), {"a": "b"}), ("new.deep.key=1", ("new",), {"deep": {"key": 1}}),
        ],
    )  # fmt: skip
    def test_values_are_read_like_yaml(self, text, path, value):
        base = tree(
            "train: {max_steps: 1}\nevaluate: {metrics: [wer, {type: bleu, x: 1}]}\ndata: {pack: {length: 1}}"
        )

        assert resolve(base, [Overlay.set(text)]).at(path).data() == value

    def test_a_component_by_its_type_starts_afresh(self):
        text = "model: {type: encoder_decoder, encoder: {type: transformer, dim: 8}}"

        assert resolved(text, "model.encoder.type=conformer")["model"]["encoder"] == {"type": "conformer"}
        assert resolved(text, "model.encoder.dim=4")["model"]["encoder"] == {"type": "transformer", "dim": 4}

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("train.max_steps", "SQ320"), ("=5", "SQ330"), ("a..b=1", "SQ330"), ("a b=1", "SQ330"), ("a[x]=1", "SQ330"), (".a=1", "SQ330"),
            ("list[5]=1", "SQ331"), ("seed[0]=1", "SQ331"), ("nope[0]=1", "SQ331"), ("seed=[1", "SQ001"), ("seed=010", "SQ020"), ("seed=!x 1", "SQ012"),
        ],
    )  # fmt: skip
    def test_bad_settings(self, text, code):
        assert wrong("seed: 1\nlist: [1]", text) == [code]

    def test_places_are_columns_of_the_argument(self):
        (found,) = mistakes(resolved, "seed: 1", "seed=[1, 010]")

        assert str(found.span) == "<command line>:1:10"

    def test_a_mistake_of_one_setting_does_not_hide_another(self):
        assert wrong("seed: 1", "tiny", "a[1]=2", "seed=${nope}") == ["SQ320", "SQ331", "SQ310"]


class TestReferences:
    def test_a_whole_value_keeps_its_kind(self):
        given = resolved('a: 3\nb: "${a}"\nc: ["${d}"]\nd: {x: 1.5}\ne: "${d.x}"\nf: "${c[0].x}"')

        assert (given["b"], given["c"], given["e"], given["f"]) == (3, [{"x": 1.5}], 1.5, 1.5)

    def test_pieces_make_text(self):
        given = resolved('a: 3\nb: true\nname: "x${a}-${b}-$${a}"')

        assert given["name"] == "x3-true-${a}"

    def test_references_see_the_last_word(self):
        assert resolved('a: 1\nb: "${a}"\nprofiles: {p: {a: 2}}', "p")["b"] == 2
        assert resolved('a: 1\nb: "${a}"', "a=7")["b"] == 7

    def test_the_environment_stays_a_name(self, monkeypatch):
        monkeypatch.setenv("CORPUS", "/secret")
        given = resolved('data: {source: {type: bitext, root: "${env:CORPUS:-x}/y"}}')

        assert given["data"]["source"]["root"] == "${env:CORPUS:-x}/y"

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ('a: "${b}"', ["SQ310"]), ('a: "${a}"', ["SQ311"]), ('a: "${b}"\nb: "${a}"', ["SQ311"]), ('a: {x: "${a}"}', ["SQ311"]),
            ('a: {x: "${b}"}\nb: {y: "${a}"}', ["SQ311"]), ('a: "${"', ["SQ312"]), ('a: "${}"', ["SQ312"]), ('a: "${a b}"', ["SQ312"]),
            ('a: "${a..b}"', ["SQ312"]), ('a: "x${b}"\nb: [1]', ["SQ315"]), ('a: "x${b}"\nb: null', ["SQ315"]), ('a: "${env:}"', ["SQ312"]),
            ('a: "${env:1X}"', ["SQ312"]), ('train: {max_steps: "${env:X}"}', ["SQ313"]), ('a: "${x}"\nb: "${y}"', ["SQ310", "SQ310"]),
            ('a: "${b[3]}"\nb: [1]', ["SQ310"]), ('a: "${b.c}"\nb: 3', ["SQ310"]),
        ],
    )  # fmt: skip
    def test_bad_references(self, text, code):
        assert wrong(text) == code

    def test_references_cannot_grow_without_bound(self):
        doubling = "a0: [1, 2]\n" + "".join(
            f'a{n}: ["${{a{n - 1}}}", "${{a{n - 1}}}"]\n' for n in range(1, 40)
        )
        text = "a0: xxxxxxxx\n" + "".join(f'a{n}: "${{a{n - 1}}}${{a{n - 1}}}"\n' for n in range(1, 40))
        chain = "a0: 1\n" + "".join(f'a{n}: "${{a{n - 1}}}"\n' for n in reversed(range(1, 200)))
        nest = "a0: {x: 1}\n" + "".join(f'a{n}: {{x: "${{a{n - 1}}}"}}\n' for n in range(1, 80))

        assert set(wrong(doubling)) == set(wrong(text)) == set(wrong(chain)) == set(wrong(nest)) == {"SQ316"}

    def test_a_reference_is_blamed_where_it_was_written(self):
        root = resolve(tree('a: word\nb: "${a}"'))

        assert root.at(("b",)).via[0].line == 2
        assert root.at(("b",)).span.line == 1


class TestProvenance:
    def test_every_step_is_kept(self, write):
        write(base="train: {max_steps: 1}\nprofiles: {tiny: {train: {max_steps: 3}}}")
        file = write(spec="extends: base.yaml\ntrain: {max_steps: 2}")
        node = resolve(parse(file), [Overlay.profile("tiny"), Overlay.set("train.max_steps=4")]).at(
            ("train", "max_steps")
        )
        steps = []
        while node is not None:
            steps.append((node.value, node.span.source.name.rsplit("/", 1)[-1]))
            node = node.replaced

        assert steps == [(4, "<command line>"), (3, "base.yaml"), (2, "spec.yaml"), (1, "base.yaml")]
