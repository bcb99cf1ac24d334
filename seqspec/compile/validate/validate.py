"""Tree to experiment: typed, frozen, no unknown key.  What pydantic finds is told in our own words
(``complain.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from seqspec.compile.diagnostics.report import in_order, in_whole
from seqspec.compile.resolve.overlay import has_tasks
from seqspec.compile.resolve.plugins import catalogue_of
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.experiment import OWN, Experiment, Task
from seqspec.schema.sections.evaluate import Evaluate
from seqspec.schema.source import Tree

if TYPE_CHECKING:
    from seqspec.compile.resolve.tasks import TaskTrees


def validate(tree: Tree) -> Experiment:
    """The experiment that ``tree`` says.  Raises ``SpecError`` with everything that does not fit the
    schema.
    """
    if not has_tasks(tree):
        return _of_one(tree)
    from seqspec.compile.resolve.tasks import task_trees

    return _of_tasks(task_trees(tree), tree)


def _of_one(tree: Tree) -> Experiment:
    catalogue = catalogue_of(tree)
    try:
        return Experiment.model_validate(tree.data(), context=catalogue)
    except ValidationError as error:
        from seqspec.compile.validate.schema_messages import complaints

        raise SpecError(complaints(error, tree, catalogue)) from None


def _of_tasks(tasks: TaskTrees, whole: Tree) -> Experiment:
    """Each task is an experiment of its own; what they have in common is told once."""
    if tasks.found:
        raise SpecError(tasks.found)
    found: dict[str, Experiment] = {}
    wrong: list[Diagnostic] = []
    for name, tree in tasks.trees.items():
        try:
            found[name] = _of_one(tree)
        except SpecError as error:
            wrong += [in_whole(d, name, whole) for d in error.diagnostics]
    if wrong:
        raise SpecError(in_order(wrong))
    own = {
        name: Task.model_construct(
            _fields_set=one.model_fields_set & set(OWN),
            weight=tasks.weights[name],
            **{key: getattr(one, key) for key in OWN},
        )
        for name, one in found.items()
    }
    return Experiment.together(found, tasks=own, evaluate=_whole(found))


def _whole(each: Mapping[str, Experiment]) -> Evaluate:
    """What is said of the evaluation of all tasks together."""
    first = next(iter(each.values())).evaluate
    return Evaluate.model_construct(every_steps=first.every_steps, score=first.score, splits=[])
