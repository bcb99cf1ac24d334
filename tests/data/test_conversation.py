import re

import numpy as np
import pytest

from seqspec.data.text.answers import AnswerPlaces, encoded
from seqspec.data.text.conversation import AnsweredText, NoConversation, messages_of, written
from seqspec.schema.adapter._chat_template import Template
from seqspec.schema.types import BOS, EOS

TEMPLATE = Template(
    begin="<s>",
    turns={"system": "S:{content}", "user": "U:{content}", "assistant": "A:{content}</s>"},
    between="\n",
)
TALK = [
    {"role": "system", "content": "short"},
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "yo"},
    {"role": "user", "content": "{content} bye"},
    {"role": "assistant", "content": "ciao"},
]


def messages(record, **more):
    return messages_of(record, key="messages", known=tuple(TEMPLATE.turns), **more)


class Letters:
    """A letter an id; the template's begin and end are the special ids."""

    vocab_size = 1000

    def encode_batch(self, texts):
        return [self._ids(text) for text in texts]

    def _ids(self, text):
        cut = text.replace("</s>", "\x03").replace("<s>", "\x02")
        return [ord(letter) for letter in cut]


def test_a_conversation_is_one_text_with_its_answers():
    text = written(messages({"messages": TALK}), TEMPLATE)

    assert text.text == "<s>S:short\nU:hi\nA:yo</s>\nU:{content} bye\nA:ciao</s>"
    assert [text.text[begin:end] for begin, end in text.spans] == ["yo</s>", "ciao</s>"]
    last = written(messages({"messages": TALK}), TEMPLATE, last_only=True)
    assert [text.text[begin:end] for begin, end in last.spans] == ["ciao</s>"]


def test_a_prompt_and_its_completion_are_a_user_and_the_assistant():
    pair = messages({"prompt": "hi", "completion": "yo"})

    assert pair == messages({"messages": TALK[1:3]})


def test_the_prompt_has_the_ids_that_it_has_in_training():
    whole, learned = encoded(Letters(), written(messages({"messages": TALK}), TEMPLATE))
    asked = written(messages({"messages": TALK[:4]}, asked=True), TEMPLATE, asked=True)
    prompt, _ = encoded(Letters(), asked)

    assert whole[: len(prompt)] == prompt
    assert BOS not in whole
    assert whole.count(EOS) == 1  # the last end is the model's own
    assert "".join(map(chr, [*whole, EOS][learned[0] : learned[2] + 1])) == "yo\x03"
    assert learned[-1] == len(whole)
    assert len(learned) == len("yo.ciao.")


def test_a_text_that_ends_with_a_user_does_not_learn_its_end():
    text = written(messages({"messages": TALK[:4]}), TEMPLATE)
    (places,) = AnswerPlaces(Letters()).encode_batch([text])

    assert len(places) == len("yo.")
    assert AnsweredText("", ()).pieces() == []
    assert np.diff(places).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"messages": []}, "`messages` is empty"),
        ({"messages": "hi"}, "is no list of messages"),
        (
            {"messages": [{"role": "tool", "content": "x"}]},
            "role `tool`, and the template knows `system`, `user`",
        ),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "is of role"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "message 1: the assistant speaks first"),
        ({"messages": [TALK[0], TALK[2]]}, "message 2: the assistant speaks first"),
        ({"messages": [*TALK[1:3], TALK[2]]}, "message 3: the assistant speaks twice in a row"),
        ({"messages": [TALK[1]]}, "nothing to learn"),
        ({"messages": [{"role": "user"}]}, "no object with `role` and `content`"),
        ({"messages": [{"role": "user", "content": " "}]}, "content of message 1 is empty"),
        ({"messages": [{"role": "user", "content": [1]}]}, "content of message 1 is no text"),
        ({"prompt": "x"}, "no `completion`"),
        ({"text": "x"}, "neither `messages` nor `prompt`"),
    ],
)
def test_what_is_no_conversation_is_told(record, why):
    with pytest.raises(NoConversation, match=re.escape(why)):
        messages(record)


def test_a_prompt_that_is_answered_already_is_told():
    for record in ({"messages": TALK}, {"prompt": "a", "completion": "b"}):
        with pytest.raises(NoConversation, match="already"):
            messages(record, asked=True)
