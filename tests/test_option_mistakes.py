"""What a person sees who misspells the value of an option."""

from typing import Literal, get_args, get_origin, get_type_hints

import pytest
import typer
from typer.testing import CliRunner

from seqspec.cli import app
from seqspec.compile.language.suggestions import which


def _choices():
    """Each option of each command that takes one of a list, and a slip of its first value."""
    for name, command in typer.main.get_command(app).commands.items():
        for words, one in [([name, sub], it) for sub, it in getattr(command, "commands", {}).items()] or [
            ([name], command)
        ]:
            hints = get_type_hints(one.callback, include_extras=True)
            for option in one.params:
                if value := _first_choice(hints.get(option.name)):
                    yield pytest.param(
                        [*words, option.opts[0], f"{value}x"], value, id=" ".join([*words, option.opts[0]])
                    )


def _first_choice(hint):
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    return next(filter(None, map(_first_choice, get_args(hint))), None)


@pytest.mark.parametrize(("asked", "meant"), list(_choices()))
def test_a_slip_is_told_with_the_value_that_was_meant(asked, meant):
    done = CliRunner().invoke(app, asked)

    assert done.exit_code == 2
    assert f"Invalid value for '{asked[-2]}': '{meant}x' is not one of" in done.output
    assert f"did you mean '{meant}'?" in done.output
    assert "Value error" not in done.output


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["predict", "RUN", "--nbest", "two"], "'--nbest': 'two' should be a valid integer\n"),
        (["predict", "RUN", "--nbest", "0"], "'--nbest': '0' should be greater than or equal to 1\n"),
        (["serve", "RUN", "--timeout", "1s"], "'--timeout': '1s' should be a valid number\n"),
        (["validate", "--color", "blue"], "'blue' is not one of 'auto', 'always', 'never'.\n"),
    ],
)
def test_a_value_of_another_kind_is_shown(asked, told):
    done = CliRunner().invoke(app, asked)

    assert done.exit_code == 2
    assert done.output.endswith(told)


def test_options_of_many_values_are_walked():
    assert len(list(_choices())) > 20


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("onxx", "did you mean `onnx`?   (the targets are `hf`, `onnx`)"),
        ("gguf", "the targets are `hf`, `onnx`"),
    ],
)
def test_the_nearest_name_comes_first(word, remedy):
    assert which(word, ("hf", "onnx"), there="the targets are") == remedy
