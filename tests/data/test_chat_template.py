"""Templates of folders: rendered as transformers renders them, and bounded where they mean harm."""

import json
import pickle

import pytest

from seqspec.data.pretrained.chat_template_file import read_chat_template
from seqspec.data.text.chat_template import ChatTemplate
from seqspec.data.text.conversation import Message, NoConversation
from seqspec.schema.diagnostic import DataError

pytest.importorskip("jinja2")

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
SAID = [
    Message("system", "Be <b>brief</b>."),
    Message("user", " one\ntwo 犬 "),
    Message("assistant", "three "),
    Message("user", 'a "b"'),
    Message("assistant", "c & d"),
]
CHATML = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
INSTRUCT = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set system = messages[0].content | trim + '\n\n' %}{% set rest = messages[1:] -%}
{%- else -%}
    {%- set system = '' %}{% set rest = messages -%}
{%- endif %}
{%- set ns = namespace(seen=0) %}
{%- for m in rest %}
    {%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('turns alternate') }}{% endif %}
    {%- set ns.seen = ns.seen + 1 %}
    {%- if m.role == 'user' %} [INST] {{ (system if loop.first else '') ~ m.content.strip() ~ ' [/INST]' }}
    {%- else %}{{ ' ' ~ m.content.strip().replace('&', 'and') ~ eos_token }}{% endif %}
    {%- if ns.seen > 100 %}{% break %}{% endif %}
{%- endfor %}"""
MARKED = """{% macro head(role) %}<{{ role | upper }}>{% endmacro %}
{% for m in messages %}
{{ head(m.role) }}
{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}

{% else %}{{ [m.content, '|'] | join('') }}{{ m | tojson }}
{% endif %}
{% endfor %}
{% if add_generation_prompt %}{{ head('assistant') }}
{% endif %}"""


@pytest.mark.parametrize("text", [CHATML, INSTRUCT, MARKED], ids=["prefixes", "alternating", "marks"])
def test_texts_and_marks_are_those_of_transformers(text):
    theirs = pytest.importorskip("transformers.utils.chat_template_utils").render_jinja_template
    template = pickle.loads(pickle.dumps(ChatTemplate(text, SPECIAL)))
    for messages, asked in ((SAID, False), (SAID[:4], True), (SAID[1:2], True)):
        given = [[one._asdict() for one in messages]]
        rendered, marked = theirs(
            given,
            chat_template=text,
            add_generation_prompt=asked,
            return_assistant_tokens_mask=True,
            **SPECIAL,
        )

        ours = template.written(messages, asked=asked)
        assert ours.text == rendered[0]
        if template.marks_answers and not asked:
            assert list(ours.spans) == [tuple(span) for span in marked[0]]


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        (CHATML, ["three <|end|>", "c & d<|end|>"]),
        (INSTRUCT, [" three</s>", " c and d</s>"]),
        (MARKED, ["three </s>", "c & d</s>"]),
    ],
)
def test_answers_are_what_the_assistant_says_with_its_end(text, answers):
    template = ChatTemplate(text, SPECIAL)
    found = template.written(SAID)

    assert [found.text[begin:end] for begin, end in found.spans] == answers
    last = template.written(SAID, last_only=True)
    assert [last.text[begin:end] for begin, end in last.spans] == answers[1:]


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set y %}{{ n.x }}{{ n.x }}{% endset %}"
        "{% set n.x = y %}{% endfor %}",
        "{% set n = namespace(x=['ab']) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x=7) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ (messages | length) ** 99999 }}",
        "{{ ('a' * 9999).replace('a', 'b' * 99999) }}",
        "{{ ('a' * 9999) | replace('a', 'b' * 99999) }}",
        "{{ ('a' * 9999).join('b' * 99999) }}",
        "{{ 'a'.center(999999999) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.__class__.__base__.__subclasses__() }}",
        "{{ raise_exception.__globals__.os }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ messages.append(1) }}",
        "{% include '/etc/passwd' %}",
        "{{ strftime_now('%Y') }}",
        "{{ 1 // 0 }}",
    ],
)
def test_templates_that_mean_harm_are_one_message(text):
    template = ChatTemplate(text, SPECIAL)
    template.check()

    with pytest.raises(NoConversation, match="the folder's template: "):
        template.written(SAID)


def test_an_answer_that_is_written_otherwise_later_is_refused():
    text = "{% for m in messages %}{{ m.content if loop.last else m.content[:2] }}{% endfor %}"

    with pytest.raises(NoConversation, match="message 3 otherwise where more follows"):
        ChatTemplate(text, {}).written(SAID)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "has no chat template"),
        ({"chat_template.jinja": "{% for %}"}, "line 1"),
        ({"chat_template.jinja": "x" * 300_000}, "300,000 characters"),
        ({"chat_template.jinja": "{% for a in b recursive %}{% endfor %}"}, "recursive loops"),
        ({"chat_template.jinja": "{{" + "(" * 5000 + "1" + ")" * 5000 + "}}"}, "nested too deeply"),
        (
            {"tokenizer_config.json": json.dumps({"chat_template": [{"name": "rag", "template": "x"}]})},
            "no chat",
        ),
    ],
)
def test_folders_without_a_template_that_can_be_used_are_told(tmp_path, files, told):
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(DataError, match=told) as raised:
        read_chat_template(str(tmp_path))
    assert raised.value.code == "SQ399"


def test_a_file_of_its_own_wins_and_special_pieces_have_their_texts(tmp_path):
    named = [{"name": "default", "template": "{{ eos_token }}"}]
    settings = {"chat_template": named, "eos_token": {"content": "</s>"}, "bos_token": "<s>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert read_chat_template(str(tmp_path)).written(SAID[:2], asked=True).text == "</s>"

    (tmp_path / "chat_template.jinja").write_text("{{ bos_token }}\n")
    assert read_chat_template(str(tmp_path)).written(SAID[:2], asked=True).text == "<s>"
