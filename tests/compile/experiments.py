"""Small specs for the tests of the compiler: the templates, changed by overlays or by other text."""

from pathlib import Path

import yaml

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.reference.starting_specs import template
from seqspec.compile.resolve.resolve import Overlay


def spec(folder, *, task="mt", name="spec.yaml", change=None):
    """The template of a task, written to ``folder``; ``change`` is merged into it."""
    data = yaml.safe_load(template(task).replace("1.0e-3", "0.001"))
    file = Path(folder) / name
    file.write_text(yaml.safe_dump(merged(data, change or {}), allow_unicode=True, sort_keys=False))
    return file


def compiled(folder, *sets, task="mt", change=None, name="spec.yaml"):
    """The template compiled, with values set over it."""
    file = spec(folder, task=task, name=name, change=change)
    return compile_spec(file, overlays=[Overlay.set(text) for text in sets])


def merged(base, change):
    """``change`` over ``base``, by the overlay rule for plain mappings."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    if "type" in change and change["type"] != base.get("type", change["type"]):
        return change
    return base | {key: merged(base.get(key), value) for key, value in change.items()}
