"""Tree to experiment: typed, frozen, no unknown key.  What pydantic finds is told in our own words
(``complain.py``).
"""

from __future__ import annotations

from functools import lru_cache

from pydantic import ValidationError

from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Node, Tree


def validate(tree: Tree) -> Experiment:
    """The experiment that ``tree`` says.  Raises ``SpecError`` with everything that does not fit the
    schema.
    """
    catalogue = catalogue_of(tree)
    try:
        return Experiment.model_validate(tree.data(), context=catalogue)
    except ValidationError as error:
        from seqspec.compile.complain import complaints

        raise SpecError(complaints(error, tree, catalogue)) from None


def catalogue_of(tree: Tree) -> Catalogue:
    """The components that a spec can name: ours, and those of the packages under ``plugins``."""
    listed = tree.value.get("plugins") if isinstance(tree.value, dict) else None
    names = listed.value if isinstance(listed, Node) and isinstance(listed.value, list) else []
    return _catalogue(tuple(n.value for n in names if isinstance(n.value, str)))


@lru_cache(maxsize=8)
def _catalogue(plugins: tuple[str, ...]) -> Catalogue:
    return Catalogue(plugins)
