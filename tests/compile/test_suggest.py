"""Did you mean."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqspec.compile.language.suggestions import distance, nearest
from seqspec.compile.validate.foreign_names import KEYS
from seqspec.compile.validate.foreign_words import COMPONENTS
from seqspec.schema.catalogue import SLOTS, Catalogue

words = st.text("abcd_", max_size=8)


@pytest.mark.parametrize(
    ("word", "choices", "meant"),
    [
        ("dropuot", ["dropout", "dim"], "dropout"), ("nkfc", ["nfc", "nfkc"], "nfkc"), ("Dim", ["dim"], "dim"), ("x", ["y"], "y"),
        ("transfromer", ["transformer", "transducer"], "transformer"), ("warp", ["adam", "sgd"], None), ("", ["abc"], None), ("max_step", ["max_steps"], "max_steps"),
    ],
)  # fmt: skip
def test_nearest(word, choices, meant):
    assert nearest(word, choices) == meant


@given(words, words)
def test_distance_is_a_distance(a, b):
    assert distance(a, b, 99) == distance(b, a, 99)
    assert (distance(a, b, 99) == 0) == (a == b)
    assert distance(a, b, 99) <= max(len(a), len(b))
    assert distance(a, b, 1) == min(distance(a, b, 99), 2)


@given(words, st.integers(0, 6))
def test_exchanged_neighbours_count_once(word, at):
    if at + 1 < len(word) and word[at] != word[at + 1]:
        assert distance(word, word[:at] + word[at + 1] + word[at] + word[at + 2 :], 99) == 1


def test_foreign_names_are_not_ours():
    catalogue = Catalogue()
    ours = {name for slot in SLOTS for name in catalogue.names(slot)}

    for word, names in COMPONENTS.items():
        assert word not in names
        assert any(name in ours for name in names), f"{word}: none of {names} is a component"


def test_foreign_keys_lead_to_keys_that_there_are():
    from seqspec.compile.language.expected_schema import shapes
    from seqspec.compile.validate.key_hints import known_keys
    from seqspec.schema.experiment import Experiment

    catalogue = Catalogue()
    classes = [catalogue.config(slot, name) for slot in SLOTS for name in catalogue.names(slot)] + [
        Experiment
    ]
    for cls in classes:
        classes += [
            shape.model for shape in shapes(cls).values() if shape.model and shape.model not in classes
        ]
    ours = {key for cls in classes for key in known_keys(cls)}

    assert [word for word, names in KEYS.items() if not any(name in ours for name in names)] == []


def walked(annotation):
    """The annotation and every one within it."""
    yield annotation
    for argument in get_args(annotation):
        yield from walked(argument)


def test_foreign_choices_lead_to_choices_that_there_are():
    from seqspec.compile.language.expected_schema import shapes
    from seqspec.compile.language.field_types import choices
    from seqspec.compile.validate.foreign_words import CHOICES
    from seqspec.schema.experiment import Experiment

    catalogue = Catalogue()
    classes = [catalogue.config(slot, name) for slot in SLOTS for name in catalogue.names(slot)]
    classes.append(Experiment)
    for cls in classes:
        classes += [s.model for s in shapes(cls).values() if s.model and s.model not in classes]
    fields = [field for cls in classes for field in cls.model_fields.values()]
    ours = {word for field in fields for kind in walked(field.annotation) for word in choices(kind)}

    assert [word for word, names in CHOICES.items() if not set(names) <= ours] == []
    assert [word for word, names in CHOICES.items() if word in names] == []
