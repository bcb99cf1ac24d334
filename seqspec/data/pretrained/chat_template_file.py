"""The template of conversations that a folder in Hugging Face's layout holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqspec.data.pretrained.bounded_json import read_json
from seqspec.data.pretrained.hf_folder import path_of
from seqspec.data.printable import show
from seqspec.data.regular_file import open_regular
from seqspec.data.text.chat_template import MOST_TEMPLATE, BadTemplate, ChatTemplate
from seqspec.schema.diagnostic import DataError

BAD_TEMPLATE = "SQ399"
FILE, ABOUT, SPECIALS = "chat_template.jinja", "tokenizer_config.json", "special_tokens_map.json"
_MARKS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_INSTEAD = 'write the template in the spec instead: `turns: {user: "…{content}…", assistant: "…{content}…"}`'


def read_chat_template(written: str) -> ChatTemplate:
    """The template of a folder that a spec names.  Raises ``DataError`` where there is none, or none that can
    be used.
    """
    folder = path_of(written)
    if not folder.is_dir():
        why = f"there is no model folder {show(str(folder))}"
        raise DataError(why, help="set `from` of the template to a folder that has one", code=BAD_TEMPLATE)
    about = _optional(folder / ABOUT)
    special = _special(about, _optional(folder / SPECIALS))
    template = ChatTemplate(_text(folder, about), special)
    try:
        template.check()
    except BadTemplate as error:
        why = f"the chat template of {show(str(folder))} {error}"
        raise DataError(why, help=_INSTEAD, code=BAD_TEMPLATE) from None
    return template


def _text(folder: Path, about: Mapping[str, Any]) -> str:
    """A file of its own wins over the settings; of several named ones ``default`` is meant."""
    if (folder / FILE).is_file():
        try:
            with open_regular(folder / FILE) as opened:
                return (
                    opened.read(4 * MOST_TEMPLATE + 1)
                    .decode("utf-8")
                    .replace("\r\n", "\n")
                    .replace("\r", "\n")
                )
        except (OSError, UnicodeDecodeError) as error:
            why = f"{FILE} cannot be read: {error}"
            raise DataError(why, file=show(str(folder / FILE)), help=_INSTEAD, code=BAD_TEMPLATE) from None
    found = about.get("chat_template")
    if isinstance(found, list):
        named = [one for one in found if isinstance(one, dict) and one.get("name") == "default"]
        found = named[0].get("template") if named else None
    if not isinstance(found, str) or not found:
        why = f"{show(str(folder))} has no chat template, neither {FILE} nor `chat_template` of {ABOUT}"
        raise DataError(why, help=_INSTEAD, code=BAD_TEMPLATE)
    return found


def _special(*held: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for settings in reversed(held):
        for name in _MARKS:
            value = settings.get(name)
            value = value.get("content") if isinstance(value, dict) else value
            if isinstance(value, str):
                found[name] = value
    return found


def _optional(file: Path) -> Mapping[str, Any]:
    return read_json(file, most=32 << 20) if file.is_file() else {}
