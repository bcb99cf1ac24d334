import numpy as np
import pytest

from seqspec.components.normalizer.lowercase import Lowercase
from seqspec.components.tokenizer.characters import Characters
from seqspec.data.text.text_pipeline import TextProcessor
from seqspec.runtime.prediction.unknown_symbols import unspoken
from seqspec.schema.normalizer.lowercase import LowercaseConfig
from seqspec.schema.tokenizer.characters import CharactersConfig
from seqspec.schema.types import Text


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("One two", None),
        ("one 2, TWO 2", "the run has no symbol for `2` (U+0032) at character 5, `,` (U+002C) at character 6"),
        ("abcfgh", "the run has no symbol for `a` (U+0061) at character 1, `b` (U+0062) at character 2, `c` (U+0063) at "
         "character 3, `f` (U+0066) at character 4, `g` (U+0067) at character 5 and 1 more"),
    ],
)  # fmt: skip
def test_what_has_no_symbol_is_named_by_its_place(text, wrong):
    steps = TextProcessor(
        tokenizer=Characters(CharactersConfig(), Text("en")),
        normalizers=(Lowercase(LowercaseConfig(), Text("en")),),
    )
    steps.load(steps.train(["one two"]))

    assert unspoken(steps)(text, np.asarray(steps.encode(text))) == wrong


@pytest.mark.parametrize(
    ("learned", "text", "end"),
    [
        ("ONE TWO", "one two", "`w` (U+0077) at character 6, but has all of `ONE TWO`"),
        ("one two", "ONE two", "`E` (U+0045) at character 3, but has all of `one two`"),
        ("ONE TWO", "one 2", "`2` (U+0032) at character 5"),
    ],
)
def test_a_text_in_the_wrong_case_is_told_the_right_one(learned, text, end):
    steps = TextProcessor(tokenizer=Characters(CharactersConfig(), Text("en")))
    steps.load(steps.train([learned]))

    assert unspoken(steps)(text, np.asarray(steps.encode(text))).endswith(end)
