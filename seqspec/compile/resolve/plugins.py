"""The catalogue that a spec can name from: ours, and the packages that it lists under ``plugins``."""

from __future__ import annotations

from functools import lru_cache

from seqspec.schema.catalogue import Catalogue, PluginError
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.source import Node, Tree


def catalogue_of(tree: Tree) -> Catalogue:
    """The components that a spec can name: ours, and those of the packages under ``plugins``.

    Raises ``SpecError`` where one of these is not installed or cannot be imported.
    """
    listed = tree.value.get("plugins") if isinstance(tree.value, dict) else None
    if listed is None or not isinstance(listed.value, list):
        return _catalogue(())
    nodes = {node.value: node for node in listed.value if isinstance(node.value, str)}
    try:
        catalogue = _catalogue(tuple(nodes))
    except PluginError as error:
        raise SpecError([_no_plugin(error, nodes[error.name])]) from None
    if catalogue.taken():
        raise SpecError([_name_taken(*names, listed) for names in catalogue.taken()])
    return catalogue


@lru_cache(maxsize=8)
def _catalogue(plugins: tuple[str, ...]) -> Catalogue:
    catalogue = Catalogue(plugins)
    _ = catalogue.roots
    return catalogue


def _no_plugin(error: PluginError, node: Node) -> Diagnostic:
    help = "install the package, or take its name out; components of seqspec itself need none"
    message = f"the plugin `{error.name}` is not there: {error.reason}"
    return Diagnostic("SQ116", message, node.span, help=help, path=("plugins",))


def _name_taken(slot: str, name: str, owner: str, package: str, node: Node) -> Diagnostic:
    help = f"rename it in `{package}`: both its files and its classes"
    message = f"`{package}` offers the {slot} `{name}`, and so does `{owner}`"
    return Diagnostic("SQ140", message, node.key or node.span, help=help, path=("plugins",))
