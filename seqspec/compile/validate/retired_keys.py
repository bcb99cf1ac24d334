"""Keys that the language had and has no more: what is written instead, and the edit that does it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from seqspec.compile.diagnostics.report import locate
from seqspec.compile.language.flow_style import flow
from seqspec.schema.config import Config, Replacement
from seqspec.schema.diagnostic import Diagnostic, Edit, Finding, Fix
from seqspec.schema.source import Node, Path, Span, Tree


def retired_key(path: Path, cls: type[BaseModel] | None, tree: Tree, *, owner: str) -> Diagnostic | None:
    """The diagnostic for the key at ``path`` of a mapping of class ``cls``; ``None`` if it never was one."""
    key = str(path[-1])
    if cls is None or not issubclass(cls, Config) or key not in cls.retired:
        return None
    node = tree.at(path)
    new: Replacement = cls.replacement(key, None if node is None else node.data())
    message = f"`{key}` is no longer a key of {owner}"
    found = locate(Finding(path, message, help=new.help, code="SQ150", on_key=True), tree)
    edits = tuple(_edits(new, node, tree)) if node is not None else ()
    return found._replace(fix=Fix("write it as it is written now", edits, safe=True)) if edits else found


def _edits(new: Replacement, node: Node, tree: Tree) -> Iterator[Edit]:
    """The edits, where model and loss stand at the top of one YAML text."""
    model, loss = tree.at(("model",)), tree.at(("loss",))
    if new.here is None or node.key is None or model is None or model.key is None:
        return
    source = node.key.source
    tops = [model.key] if loss is None or loss.key is None else [model.key, loss.key]
    same = all(key.source is source and key.column == 1 for key in tops)
    inside = node.via or node.replaced or tree.at(("losses",)) or (loss is not None and loss.replaced)
    if not same or inside or source.name.endswith(".toml"):
        return
    yield Edit(Span(source, node.key.start, node.span.end), new.here)
    losses = f"losses: {{loss: {{{_settings(loss)}, on: tokens, weight: {new.rest:g}}}, {new.term}}}"
    if loss is not None and loss.key is not None:
        yield Edit(Span(source, loss.key.start, loss.span.end), losses)
    else:
        yield Edit(Span(source, model.key.start, model.key.start), f"{losses}\n")


def _settings(loss: Node | None) -> str:
    """The settings of the loss that was alone, for a mapping in one line."""
    said = "cross_entropy" if loss is None else loss.data()
    if not isinstance(said, dict):
        return f"type: {said}"
    return ", ".join(f"{key}: {flow(value)}" for key, value in ({"type": "cross_entropy"} | said).items())
