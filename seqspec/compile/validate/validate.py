"""Tree to experiment: typed, frozen, no unknown key.  What pydantic finds is told in our own words
(``complain.py``).
"""

from __future__ import annotations

from pydantic import ValidationError

from seqspec.compile.resolve.plugins import catalogue_of
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Tree


def validate(tree: Tree) -> Experiment:
    """The experiment that ``tree`` says.  Raises ``SpecError`` with everything that does not fit the
    schema.
    """
    catalogue = catalogue_of(tree)
    try:
        return Experiment.model_validate(tree.data(), context=catalogue)
    except ValidationError as error:
        from seqspec.compile.validate.schema_messages import complaints

        raise SpecError(complaints(error, tree, catalogue)) from None
