import pytest

from seqspec.compile.reference.starting_specs import NoSuchTask, template


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
