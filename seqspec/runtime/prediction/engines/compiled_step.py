"""A search's step as one call of machine code, made for this processor by torch's AOTInductor.

A step of few rows spends most of its time between products and on starting them.  Compiled, normalisation,
sums and activations run inside the products, and the choice of hypotheses inside the copy of their caches.
The code stands for one example at a time, ``rows`` hypotheses of it; whatever else a search asks for (its
first steps, several examples together) the model answers itself.

AOTInductor: Ansel et al. (2024), "PyTorch 2: Faster Machine Learning Through Dynamic Python Bytecode
Transformation and Graph Compilation", ASPLOS.  Code is kept in the cache by what it was made from: weights,
plan, rows, threads, processor, versions and the text of the components.
"""

# N hypotheses, V vocabulary

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import seqspec.components
from seqspec.components.graphs import TensorState
from seqspec.data.store.cache import default_cache, key_of
from seqspec.data.store.durable import write_durably
from seqspec.runtime.devices.machine import this_machine
from seqspec.runtime.devices.torch_compiler import cpp_compiler, quiet
from seqspec.schema.diagnostic import Exit, RunError

OPTIONS = {"freezing": True, "max_autotune": True, "max_autotune_gemm_backends": "CPP"}
"""Weights are part of the code, laid out for products of a few rows that torch writes anew for each shape: of
256 by 256 they take 10 microseconds where oneDNN's takes 25.
"""
NO_TEMPLATE = "NoValidChoicesError"
"""What the compiler says of a product that it has no such code for, as of two tensors whose sizes vary."""
LEAST = 2
"""Smallest size of a dimension that varies: the compiler makes other code for one."""
RANGES = "seqspec_ranges"
"""Where a package says for which sizes it holds."""


def with_compiled_step(model: nn.Module, *, search: Any, digest: str) -> nn.Module:
    """The same model, whose ``step`` is compiled, or read from the cache, when it is first used.  ``digest``
    tells whatever decides the model's arithmetic beside its weights.

    Raises ``RunError`` where the model does not step, is not on a CPU, or the search has to see attention.
    """
    if not hasattr(model, "step") or search is None or getattr(search, "on", None):
        raise _refused("this run's answers are not written step by step", "")
    if any(weight.device.type != "cpu" for weight in model.parameters()):
        raise _refused("the model is not on a CPU", "use `--device cpu`, or ")
    if getattr(getattr(search, "penalty", None), "coverage", "none") != "none":
        raise _refused("`coverage_penalty` has to see attention", "")
    steps: Any = model
    steps.step = CompiledStep(model, rows=_rows(search), digest=digest)
    return model


def _rows(search: Any) -> int:
    """Hypotheses of an example that a step takes."""
    rows: int = getattr(search, "size", getattr(search, "num_samples", 1))
    return rows


def _refused(why: str, remedy: str) -> RunError:
    message = f"the engine `compiled` cannot be used: {why}"
    return RunError(message, exit=Exit.USAGE, help=f"{remedy}use `--engine torch`, the default")


class CompiledState(NamedTuple):
    """What the hypotheses of one example carry from one compiled step to the next."""

    template: Any
    """The decoder's own state, which knows itself as tensors."""
    fixed: tuple[Tensor, ...]
    moving: tuple[Tensor, ...]
    rows_N: Tensor
    """Which hypotheses of ``moving`` go on; the next step moves them."""
    attention: None = None

    def select(self, rows_N: Tensor) -> CompiledState:
        """The hypotheses in ``rows_N``."""
        return self._replace(rows_N=self.rows_N[rows_N])

    def keep(self, examples_B: Tensor) -> CompiledState:
        """There is one example."""
        return self

    def own(self) -> Any:
        """The decoder's state."""
        given: TensorState = self.template.tensors()
        moving = {
            name: x.index_select(given.axes[name].index("batch"), self.rows_N)
            for name, x in zip(given.moving, self.moving, strict=True)
        }
        return self.template.restored({**dict(zip(given.fixed, self.fixed, strict=True)), **moving})


class CompiledStep:
    """Stands in for a model's ``step``."""

    def __init__(self, model: Any, *, rows: int, digest: str) -> None:
        self.model = model
        self.rows = rows
        self.digest = digest
        self.plain = model.step
        self.package: _Package | None = None

    def __call__(self, ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Tensor, Any]:
        """As the model's."""
        entered = self._entered(state) if len(ids_N) == self.rows and not look else None
        if entered is None:
            return self.plain(ids_N, state.own() if isinstance(state, CompiledState) else state, look=look)
        assert self.package is not None
        logits_NV, *moving = self.package(ids_N, entered)
        return logits_NV, entered._replace(moving=tuple(moving), rows_N=self.package.all_N)

    def _entered(self, state: Any) -> CompiledState | None:
        """The state as the code takes it; ``None`` for sizes that it was not made for."""
        if not isinstance(state, CompiledState):
            tensors = _tensors(state)
            if any(_sizes(tensors, "batch", tensors.fixed) - {1}):
                return None
            if _sizes(tensors, "batch", tensors.moving) != {self.rows}:
                return None
            fixed, moving = (
                tuple(x.contiguous() for x in part.values()) for part in (tensors.fixed, tensors.moving)
            )
            state = CompiledState(state, fixed, moving, torch.arange(self.rows))
            if self.package is None and _varies_enough(tensors):
                self.package = _package(self, state)
        fits = self.package is not None and len(state.rows_N) == self.rows and self.package.fits(state)
        return state if fits else None


def _tensors(state: Any) -> TensorState:
    if not hasattr(state, "tensors"):
        raise _refused(f"`{type(state).__name__}`, which its decoder keeps, is more than tensors", "")
    tensors: TensorState = state.tensors()
    return tensors


def _sizes(tensors: TensorState, axis: str, names: Mapping[str, Tensor]) -> set[int]:
    return {
        x.shape[tensors.axes[name].index(axis)] for name, x in names.items() if axis in tensors.axes[name]
    }


def _varies_enough(tensors: TensorState) -> bool:
    return all(
        size >= LEAST
        for name, x in (*tensors.fixed.items(), *tensors.moving.items())
        for axis, size in zip(tensors.axes[name], x.shape, strict=True)
        if axis not in (None, "batch")
    )


class _Package:
    """Machine code that was loaded."""

    def __init__(self, path: Path, rows: int) -> None:
        self.loader = torch._C._aoti.AOTIModelPackageLoader(str(path), "model", False, 1, -1)
        self.all_N = torch.arange(rows)
        self.ranges = [tuple(one) for one in json.loads(self.loader.get_metadata()[RANGES])]
        """Of each size that varies: the number of the tensor, its dimension, the least and the most."""

    def fits(self, state: CompiledState) -> bool:
        """Whether the code was made for sizes such as these."""
        tensors = (*state.fixed, *state.moving)
        return all(least <= tensors[number].shape[axis] <= most for number, axis, least, most in self.ranges)

    def __call__(self, ids_N: Tensor, state: CompiledState) -> Sequence[Tensor]:
        found: Sequence[Tensor] = self.loader.boxed_run([ids_N, state.rows_N, *state.fixed, *state.moving])
        return found


def _package(step: CompiledStep, state: CompiledState) -> _Package:
    """From the cache, where it is there and sound."""
    path = default_cache() / "compiled" / f"{_key(step)}.pt2"
    if path.exists():
        try:
            return _Package(path, step.rows)
        except (RuntimeError, KeyError, ValueError):
            print(f"seqspec: {path} is damaged and is made anew", file=sys.stderr)
    _compile(step, state, path)
    return _Package(path, step.rows)


def _key(step: CompiledStep) -> str:
    """SHA-256 of everything that decides the code."""
    weights = hashlib.sha256()
    for name, x in step.model.state_dict().items():
        weights.update(f"{name} {x.dtype} {tuple(x.shape)}\n".encode())
        weights.update(x.detach().contiguous().reshape(-1).view(torch.uint8).numpy())
    source = hashlib.sha256()
    kinds = {inspect.getfile(type(one)) for one in step.model.modules()}
    for file in sorted(kinds | {str(one) for one in Path(*seqspec.components.__path__).rglob("*.py")}):
        source.update(Path(file).read_bytes())
    return key_of(
        {
            "weights": weights.hexdigest(),
            "source": source.hexdigest(),
            "plan": step.digest,
            "rows": step.rows,
            "machine": this_machine("cpu").as_json(),
            "processor": _processor(),
            "options": OPTIONS,
        }
    )


def _processor() -> str:
    """Its name: the code is cut to fit its caches."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return os.uname().machine


def _compile(step: CompiledStep, state: CompiledState, path: Path) -> None:
    if cpp_compiler() is None:
        raise _refused(
            "it needs a C++ compiler, and there is none on this machine", "install g++ 10 or later, or "
        )
    print(
        "seqspec: compiling a step of the search for this processor, which is kept: a minute or two",
        file=sys.stderr,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with quiet(), torch.inference_mode(False), torch.no_grad():
        given = [torch.zeros(step.rows, dtype=torch.int64), state.rows_N, *state.fixed, *state.moving]
        try:
            program = torch.export.export(
                _Function(step, state), tuple(x.clone() for x in given), dynamic_shapes=_shapes(state)
            )
            ranges = json.dumps(list(_ranges(program, state)))
            made = _packaged(program, {**OPTIONS, "aot_inductor.metadata": {RANGES: ranges}})
        except Exception as error:  # Whatever a tracer or a compiler makes of a model that it cannot follow.
            why = next(
                (line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__
            )
            raise _refused(why[:300], "") from error
    write_durably(path, Path(made).read_bytes())
    Path(made).unlink()


def _packaged(program: Any, options: dict[str, Any]) -> str:
    """The file; where the compiler lacks code for one of the products, all are oneDNN's and torch's."""
    try:
        return str(torch._inductor.aoti_compile_and_package(program, inductor_configs=options))
    except Exception as error:
        if NO_TEMPLATE not in str(error):
            raise
    plain = {name: value for name, value in options.items() if not name.startswith("max_autotune")}
    return str(torch._inductor.aoti_compile_and_package(program, inductor_configs=plain))


class _Function(nn.Module):
    """Ids, the hypotheses that go on and every tensor of the state give logits and the moving tensors."""

    def __init__(self, step: CompiledStep, state: CompiledState) -> None:
        super().__init__()
        self.model = step.model
        self.step = step.plain
        self.state = state

    def forward(self, ids_N: Tensor, rows_N: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        count = len(self.state.fixed)
        own = self.state._replace(fixed=values[:count], moving=values[count:], rows_N=rows_N).own()
        logits_NV, after = self.step(ids_N, own)
        return (logits_NV, *(x.contiguous() for x in after.tensors().moving.values()))


def _varying(state: CompiledState) -> Iterator[list[int]]:
    """Dimensions of each tensor that vary."""
    axes = state.template.tensors().axes
    for names in (state.template.tensors().fixed, state.template.tensors().moving):
        for name in names:
            yield [number for number, axis in enumerate(axes[name]) if axis not in (None, "batch")]


def _shapes(state: CompiledState) -> dict[str, Any]:
    vary = torch.export.Dim.DYNAMIC
    each = tuple({number: vary for number in numbers} for numbers in _varying(state))
    return {"ids_N": None, "rows_N": None, "values": each}


def _ranges(program: Any, state: CompiledState) -> Iterator[tuple[int, int, int, int]]:
    """Of each size that varies, what the traced program holds for."""
    inputs = [node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs][2:]
    for number, (node, axes) in enumerate(zip(inputs, _varying(state), strict=True)):
        for axis in axes:
            told = program.range_constraints[node.meta["val"].shape[axis].node.expr]
            most = int(told.upper) if told.upper.is_Integer else sys.maxsize
            yield number, axis, max(int(told.lower), LEAST), most
