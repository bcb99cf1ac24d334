"""What stands in a spec where YAML of other frameworks has a tag, such as HyperPyYAML's ``!ref <width>``."""

from __future__ import annotations

_MEANINGS = {
    ("!ref", "!copy"): "refer to another setting by `${path.of.it}`",
    ("!new", "!name", "!apply", "!module", "!!python"): "name a component by its `type`; a spec runs no code",
    ("!include", "!join", "!load"): "to build on another file write `extends: FILE` at the top of the spec",
    ("!env", "!ENV"): "in a path write `${env:NAME}`; nothing else comes from the environment",
    ("!PLACEHOLDER",): "write the value itself, or give it on the command line: `--set path=value`",
    ("!!int", "!!float", "!!str", "!!bool", "!!null"): "leave the tag out: the schema decides the type",
    ("!tuple", "!list", "!!set", "!!omap"): "leave the tag out, and write a list: `[…]`",
}
"""Tags by how they begin."""


def instead_of_tag(tag: str) -> str:
    """What to write in its place."""
    for begins, help in _MEANINGS.items():
        if any(tag == begin or tag.startswith((f"{begin}:", f"{begin}/")) for begin in begins):
            return help
    return "the schema decides the type; text that starts with `!` stands in quotes"
