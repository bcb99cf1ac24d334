"""A plugin as a whole: its names, sentences and specs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

from seqspec.compile.language.field_docs import field_docs
from seqspec.schema.catalogue import SLOTS, Catalogue, class_name
from seqspec.schema.config import Config

_DECLARES = ("output", "wire", "roles", "rate", "gives")
_SILENT = ("optimizer", "normalizer", "segmenter", "augment", "search", "metric", "attention")
"""Slots whose components give what they take, or nothing that another part reads."""
_COUNT = 100
"""In place of every number that only data can tell, such as the size of a vocabulary."""
_CONFIG_ONLY = ("schedule", "mix")


def components(plugin: str) -> list[tuple[str, str]]:
    """Slot and name of every component that the plugin adds."""
    ours, all_ = Catalogue(), Catalogue((plugin,))
    return [(slot, name) for slot in SLOTS for name in all_.names(slot) if name not in ours.names(slot)]


def check_plugin(plugin: str) -> None:
    """The plugin adds something, takes no name that is taken, and its configs load no torch."""
    catalogue = Catalogue((plugin,))
    taken = [f"{slot} `{name}` is offered by `{owner}` too" for slot, name, owner, _ in catalogue.taken()]
    assert not taken, "; ".join(taken)
    assert components(plugin), f"`{plugin}` adds no component: see schema/<slot>/<name>.py"
    code = (
        "import sys; from seqspec.schema.catalogue import SLOTS, Catalogue; "
        f"c = Catalogue(({plugin!r},)); [c.config(s, n) for s in SLOTS for n in c.names(s)]; "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)  # a fresh process: torch may be here
    assert done.returncode == 0, f"a config of `{plugin}` loads torch, which `validate` never does"


def check_component(plugin: str, slot: str, name: str) -> None:
    """Config and class are named after their file, documented, and declare what they give."""
    catalogue = Catalogue((plugin,))
    config = catalogue.config(slot, name)
    assert issubclass(config, Config), f"{config.__name__} does not extend `seqspec.schema.config.Config`"
    assert config.__name__ == f"{class_name(name)}Config"
    assert inspect.getdoc(inspect.getmodule(config)), f"the file of {config.__name__} has no docstring"
    bare = [field for field, sentence in field_docs(config).items() if not sentence.strip()]
    assert not bare, f"fields of {config.__name__} without a sentence under them: {', '.join(bare)}"
    declares = slot in _SILENT or any(hasattr(config, method) for method in _DECLARES)
    assert declares, f"{config.__name__} says neither `output` nor `wire`"
    if slot not in _CONFIG_ONLY:
        assert catalogue.module(slot, name).__name__ == class_name(name)


def check_spec(file: str | Path) -> None:
    """A spec that uses the plugin is valid and can be built, and every key that it writes is read."""
    from seqspec.compile.build.program import build
    from seqspec.compile.diagnostics.report import render
    from seqspec.compile.pipeline import compile, recompile
    from seqspec.schema.diagnostic import SpecError

    try:
        compiled = compile(Path(file))
        compiled = recompile(compiled, facts=dict.fromkeys(compiled.plan.unknowns, _COUNT))
        build(compiled.plan, tree=compiled.tree, device="meta")
    except SpecError as error:
        raise AssertionError(render(error.diagnostics)) from None
