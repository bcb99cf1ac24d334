"""One tree out of many: bases, the file itself, profiles, the command line, references.  In that order, by
one rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from seqspec.compile.language.suggestions import nearest_or_listed
from seqspec.compile.resolve.extends import Composed, compose
from seqspec.compile.resolve.interpolate import interpolate
from seqspec.compile.resolve.overlay import Overlay, merge, set_value
from seqspec.compile.resolve.plugins import catalogue_of
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.source import COMMAND_LINE, Node, Source, Span, Tree

__all__ = ["Overlay", "resolve"]


def resolve(tree: Tree, overlays: Sequence[Overlay] = ()) -> Tree:
    """``tree`` with everything that it builds on and everything put over it.  Raises ``SpecError``."""
    catalogue = catalogue_of(tree)
    return put_over(compose(tree, catalogue), overlays, catalogue)


def put_over(composed: Composed, overlays: Sequence[Overlay], catalogue: Catalogue) -> Tree:
    """What a spec says under ``overlays``, its references filled in.  Raises ``SpecError``."""
    body = composed.body
    found: list[Diagnostic] = []
    chosen = [overlay.text for overlay in overlays if overlay.kind == "task"]
    over = (overlay for overlay in overlays if overlay.kind != "task")
    for overlay in sorted(over, key=lambda overlay: overlay.kind == "set"):
        try:
            body = _put_over(body, overlay, composed, catalogue)
        except SpecError as error:
            found += error.diagnostics
    try:
        body = interpolate(body, catalogue)
    except SpecError as error:
        raise SpecError((*found, *error.diagnostics), tree=error.tree) from None
    if found:
        raise SpecError(found, tree=body)
    for name in chosen:
        from seqspec.compile.resolve.tasks import only_task

        asked = Span(Source(COMMAND_LINE, f"--task {name}"), 7, 7 + len(name))
        body = only_task(body, name, asked=asked, catalogue=catalogue)
    return body


def _put_over(body: Node, overlay: Overlay, composed: Composed, catalogue: Catalogue) -> Node:
    if overlay.kind == "set":
        return set_value(body, overlay.text, catalogue=catalogue)
    layers = composed.profiles.get(overlay.text)
    if layers is None:
        raise SpecError([_unknown_profile(overlay.text, tuple(composed.profiles))])
    for layer in layers:
        body = merge(body, layer.over, catalogue=catalogue, home=layer.home)
    return body


def _unknown_profile(name: str, names: tuple[str, ...]) -> Diagnostic:
    source = Source(COMMAND_LINE, f"--profile {name}")
    help = nearest_or_listed(name, names, there="the spec has", empty="the spec has no `profiles`")
    return Diagnostic("SQ320", f"there is no profile `{name}`", Span(source, 10, len(source.text)), help=help)
