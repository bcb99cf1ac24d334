"""A declared template of conversations in the form that transformers renders; nothing is rendered here."""

from __future__ import annotations

import json

from seqspec.schema.adapter._chat_template import ASSISTANT, CONTENT, Template


def jinja_of(template: Template, *, begin: str | None) -> str:
    """``begin``: the piece that a model puts before every text, unless the template writes it."""
    first = template.begin
    if begin and not (first or "").startswith(begin):
        first = begin + first
    turns = "".join(_turn(role, turn, number) for number, (role, turn) in enumerate(template.turns.items()))
    asked = template.between + template.turns[ASSISTANT].split(CONTENT)[0]
    return (
        f"{_text(first)}{{% for message in messages %}}"
        f"{{% if not loop.first %}}{_text(template.between)}{{% endif %}}{turns}"
        f"{{% else %}}{{{{ raise_exception('unknown role') }}}}{{% endif %}}{{% endfor %}}"
        f"{{% if add_generation_prompt %}}{_text(asked)}{{% endif %}}"
    )


def _turn(role: str, turn: str, number: int) -> str:
    before, after = turn.split(CONTENT)
    word = "elif" if number else "if"
    return (
        f"{{% {word} message['role'] == {_quoted(role)} %}}"
        f"{_text(before)}{{{{ message['content'] }}}}{_text(after)}"
    )


def _text(text: str) -> str:
    return f"{{{{ {_quoted(text)} }}}}" if text else ""


def _quoted(text: str) -> str:
    """A literal of Jinja, which reads strings as Python does."""
    return json.dumps(text)
