"""Contract tests for the components of a plugin, for its authors' own test suite.

In a file of the plugin's tests::

    import pytest
    from seqspec import testing

    @pytest.mark.parametrize(("slot", "name"), testing.components("extra"))
    def test_component(slot, name):
        testing.check_component("extra", slot, name)

    def test_plugin():
        testing.check_plugin("extra")
        testing.check_spec("specs/with_mirror.yaml")

    def test_mirror():
        testing.check_encoder("extra", {"type": "mirror", "dim": 8})

``extra`` is the name of the entry point in the group ``seqspec``.  Every function raises ``AssertionError``
with what is wrong.
"""

# B batch, T frames, S states, D width

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqspec.compile.language.field_docs import field_docs
from seqspec.schema.catalogue import SLOTS, Catalogue, class_name
from seqspec.schema.config import Config
from seqspec.schema.types import Frames, States, Type

_DECLARES = ("output", "wire", "roles", "rate", "gives")
_SILENT = ("optimizer", "normalizer", "segmenter", "augment", "search", "metric", "attention")
"""Slots whose components give what they take, or nothing that another part reads."""
_COUNT = 100
"""In place of every number that only data can tell, such as the size of a vocabulary."""
_FRAMES = Frames(24, 100)
_LONG, _SHORT = 12, 7
"""Frames of the two examples that an encoder is shown, the shorter one padded."""
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


def check_encoder(
    plugin: str, written: str | Mapping[str, Any], *, source: Frames | States = _FRAMES
) -> None:
    """What every encoder of frames or states promises: it gives the type that its config declares, what lies
    beyond an example's length changes nothing, gradients reach every parameter, every key is read, the seed
    decides.  ``written`` is what stands in a spec, with dropout off.
    """
    import torch

    from seqspec.compile.build.construct import Constructor
    from seqspec.compile.build.one_component import plan_component

    plan = plan_component("encoder", written, source=source, plugins=(plugin,))
    constructors = [Constructor(plan), Constructor(plan)]
    modules = []
    for constructor in constructors:
        torch.manual_seed(1)
        modules.append(constructor.build("part"))
    assert not (unread := [f.message for f in constructors[0].unread()]), "; ".join(unread)
    twins = zip(modules[0].state_dict().items(), modules[1].state_dict().values(), strict=True)
    differ = [name for (name, one), other in twins if not torch.equal(one, other)]
    assert not differ, f"two builds with one seed differ in {', '.join(differ)}"
    _check_states(modules[0], source=source, gives=plan.node("part").gives)


def _check_states(module: Any, *, source: Frames | States, gives: Type) -> None:
    import torch

    torch.manual_seed(2)
    x_BTD, lengths_B = torch.randn(2, _LONG, source.dim), torch.tensor([_LONG, _SHORT])
    x_BTD[1, _SHORT:] = 100.0
    states_BSD, own_B = module.train()(x_BTD, lengths_B)
    (states_BSD * torch.randn_like(states_BSD)).sum().backward()
    without = [n for n, p in module.named_parameters() if p.requires_grad and p.grad is None]
    assert not without, f"no gradient reaches {', '.join(without)}"
    assert isinstance(gives, States), (
        f"`check_encoder` is for encoders that give States, and it gives {gives}"
    )
    assert states_BSD.shape[2] == gives.dim, (
        f"it gives {states_BSD.shape[2]} features, declared are {gives.dim}"
    )
    longest = -(-_LONG // gives.stride)
    assert states_BSD.shape[1] == longest, (
        f"{_LONG} frames give {states_BSD.shape[1]} states, declared are {longest}"
    )
    with torch.no_grad():
        padded_BSD, _ = module.eval()(x_BTD, lengths_B)
        alone_BSD, _ = module(x_BTD[1:, :_SHORT], lengths_B[1:])
    size = int(own_B[1])
    torch.testing.assert_close(
        padded_BSD[1, :size], alone_BSD[0, :size], atol=1e-4, rtol=1e-4,
        msg=lambda told: f"what lies beyond an example's length changes its states: {told}",
    )  # fmt: skip


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
