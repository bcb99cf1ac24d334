"""A search's step as one call of machine code, made for this processor by torch's AOTInductor.

A step of few rows spends most of its time between products and on starting them.  Compiled, normalisation,
sums and activations run inside the products, and the choice of hypotheses inside the copy of their caches.
Where a search needs only the best candidates, they are found there too.  The code stands for one
example at a time, up to ``rows`` hypotheses of it; several examples together the model answers itself.

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
from seqspec.components.search._best import best_candidates
from seqspec.components.search._hypothesis import Candidates, Step
from seqspec.components.search._written import forbid, log_softmax_
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
    steps.step = CompiledStep(model, rows=_rows_of(search), digest=digest, plain=steps.step)
    return model


def _rows_of(search: Any) -> int:
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
    rows_N: Tensor | None
    """Which hypotheses of ``moving`` go on, where not all do as they stand; the next step moves them."""
    sums_N: Tensor | None = None
    """Log-probabilities of the hypotheses; ``None`` for zeros."""
    attention: None = None

    def select(self, rows_N: Tensor) -> CompiledState:
        """The hypotheses in ``rows_N``."""
        return self._replace(rows_N=rows_N if self.rows_N is None else self.rows_N.index_select(0, rows_N))

    def scored(self, sums_N: Tensor) -> CompiledState:
        """The same hypotheses with their log-probabilities so far."""
        return self._replace(sums_N=sums_N)

    def keep(self, examples_B: Tensor) -> CompiledState:
        """There is one example."""
        return self

    def own(self) -> Any:
        """The decoder's state."""
        given: TensorState = self.template.tensors()
        moving = dict(zip(given.moving, self.moving, strict=True))
        if self.rows_N is not None:
            moving = _chosen(given, moving, self.rows_N)
        return self.template.restored({**dict(zip(given.fixed, self.fixed, strict=True)), **moving})


class CompiledStep:
    """Stands in for a model's ``step``."""

    def __init__(self, model: Any, *, rows: int, digest: str, plain: Step, count: int = 0) -> None:
        self.model = model
        self.rows = rows
        self.digest = digest
        self.plain = plain
        self.count = count
        """Candidates that it gives; 0 where it gives logits."""
        self.package: _Package | None = None
        self.ranked: CompiledStep | None = None

    def best(self, count: int) -> CompiledStep:
        """The step that gives ``count`` candidates, and logits where the code does not serve."""
        if self.ranked is None or self.ranked.count != count:
            self.ranked = CompiledStep(
                self.model, rows=self.rows, digest=self.digest, plain=self.plain, count=count
            )
        return self.ranked

    def __call__(self, ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Any, Any]:
        """As the model's."""
        entered = self._entered(state) if len(ids_N) <= self.rows and not look else None
        if entered is None:
            return self.plain(ids_N, state.own() if isinstance(state, CompiledState) else state, look=look)
        assert self.package is not None
        if len(ids_N) < self.rows:
            return self._padded(ids_N, entered)
        given, moving = self.package(ids_N, entered)
        return given, entered._replace(moving=moving, rows_N=None, sums_N=None)

    def _padded(self, ids_N: Tensor, state: CompiledState) -> tuple[Any, CompiledState]:
        """A step of fewer hypotheses, as the first is: the first of them stands in the other rows too, where
        nothing that it could go on with is a candidate.
        """
        assert self.package is not None
        count, other = len(ids_N), self.rows - len(ids_N)
        sums_N = torch.zeros(count) if state.sums_N is None else state.sums_N
        rows_N = torch.arange(count) if state.rows_N is None else state.rows_N
        ids_N, rows_N = (torch.cat([x_N, x_N[:1].expand(other)]) for x_N in (ids_N, rows_N))
        sums_N = torch.cat([sums_N, sums_N.new_full((other,), -torch.inf)])
        given, moving = self.package(ids_N, state._replace(rows_N=rows_N, sums_N=sums_N))
        after = state._replace(moving=moving, rows_N=torch.arange(count), sums_N=None)
        return (given if self.count else given[:count]), after

    def _entered(self, state: Any) -> CompiledState | None:
        """The state as the code takes it; ``None`` for sizes that it was not made for."""
        if not isinstance(state, CompiledState):
            tensors = _tensors(state)
            if any(_sizes(tensors, "batch", tensors.fixed) - {1}):
                return None
            (count,) = _sizes(tensors, "batch", tensors.moving)
            # How hypotheses have scored is known of the first, which stands for nothing.
            if count > (1 if self.count else self.rows):
                return None
            state = self._begun(state, tensors, count)
            if self.package is None:
                self.package = _package(self, state)
        return state if self.package is not None and self.package.fits(state) else None

    def _begun(self, own: Any, tensors: TensorState, count: int) -> CompiledState:
        """The first of ``count`` hypotheses stands in the rows that they leave free."""
        held_N = torch.arange(self.rows)
        moving = _chosen(tensors, tensors.moving, torch.where(held_N < count, held_N, 0))
        fixed = tuple(x.contiguous() for x in tensors.fixed.values())
        rows_N = None if count == self.rows else held_N[:count]
        return CompiledState(own, fixed, tuple(moving.values()), rows_N)


def _chosen(tensors: TensorState, moving: Mapping[str, Tensor], rows_N: Tensor) -> dict[str, Tensor]:
    """The hypotheses in ``rows_N``."""
    return {name: x.index_select(tensors.axes[name].index("batch"), rows_N) for name, x in moving.items()}


def _tensors(state: Any) -> TensorState:
    if not hasattr(state, "tensors"):
        raise _refused(f"`{type(state).__name__}`, which its decoder keeps, is more than tensors", "")
    tensors: TensorState = state.tensors()
    return tensors


def _sizes(tensors: TensorState, axis: str, names: Mapping[str, Tensor]) -> set[int]:
    return {
        x.shape[tensors.axes[name].index(axis)] for name, x in names.items() if axis in tensors.axes[name]
    }


class _Package:
    """Machine code that was loaded."""

    def __init__(self, path: Path, step: CompiledStep) -> None:
        self.loader = torch._C._aoti.AOTIModelPackageLoader(str(path), "model", False, 1, -1)
        self.all_N = torch.arange(step.rows)
        self.none_N = torch.zeros(step.rows)
        self.ranked = step.count > 0
        ranges = [tuple(one) for one in json.loads(self.loader.get_metadata()[RANGES])]
        self.bounded = [one for one in ranges if one[2] > 0 or one[3] < sys.maxsize]
        """Of each size that has bounds: the number of the tensor, its dimension, the least and the most."""

    def fits(self, state: CompiledState) -> bool:
        """Whether the code was made for sizes such as these."""
        tensors = (*state.fixed, *state.moving)
        return all(least <= tensors[number].shape[axis] <= most for number, axis, least, most in self.bounded)

    def __call__(self, ids_N: Tensor, state: CompiledState) -> tuple[Any, tuple[Tensor, ...]]:
        """Logits or ``Candidates``, and the moving tensors."""
        rows_N = self.all_N if state.rows_N is None else state.rows_N
        sums_N = self.none_N if state.sums_N is None else state.sums_N
        given = [ids_N, rows_N, sums_N, *state.fixed, *state.moving]
        found: Sequence[Tensor] = self.loader.boxed_run(given)
        if self.ranked:
            sums_AC, parent_AC, token_AC, *moving = found
            return Candidates(sums_AC, parent_AC, token_AC), tuple(moving)
        logits_NV, *moving = found
        return logits_NV, tuple(moving)


def _package(step: CompiledStep, state: CompiledState) -> _Package:
    """From the cache, where it is there and sound."""
    path = default_cache() / "compiled" / f"{_key(step)}.pt2"
    if path.exists():
        try:
            return _Package(path, step)
        except (RuntimeError, KeyError, ValueError):
            print(f"seqspec: {path} is damaged and is made anew", file=sys.stderr)
    _compile(step, state, path)
    return _Package(path, step)


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
            "best": step.count,
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
    # The code is to serve no positions and one as well as many, whichever the search begins with.
    any_size = torch.fx.experimental._config.patch(backed_size_oblivious=True)
    with quiet(), torch.inference_mode(False), torch.no_grad(), any_size:
        rows_N = torch.arange(step.rows)
        given = [torch.zeros_like(rows_N), rows_N, torch.zeros(step.rows), *state.fixed, *state.moving]
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
    """Ids, the hypotheses that go on, their log-probabilities and every tensor of the state give logits,
    or the parts of ``Candidates``, and the moving tensors.
    """

    def __init__(self, step: CompiledStep, state: CompiledState) -> None:
        super().__init__()
        self.model = step.model
        self.step = step.plain
        self.count = step.count
        self.state = state

    def forward(self, ids_N: Tensor, rows_N: Tensor, sums_N: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        count = len(self.state.fixed)
        own = self.state._replace(fixed=values[:count], moving=values[count:], rows_N=rows_N).own()
        logits_NV, after = self.step(ids_N, own)
        given: tuple[Tensor, ...] = (logits_NV,)
        if self.count:
            log_probs_NV = forbid(log_softmax_(logits_NV.float()))
            given = best_candidates(log_probs_NV, sums_N[None], count=self.count)
        return (*given, *(x.contiguous() for x in after.tensors().moving.values()))


def _varying(state: CompiledState) -> Iterator[list[int]]:
    """Dimensions of each tensor that vary."""
    axes = state.template.tensors().axes
    for names in (state.template.tensors().fixed, state.template.tensors().moving):
        for name in names:
            yield [number for number, axis in enumerate(axes[name]) if axis not in (None, "batch")]


def _shapes(state: CompiledState) -> dict[str, Any]:
    vary = torch.export.Dim.DYNAMIC
    each = tuple({number: vary for number in numbers} for numbers in _varying(state))
    return {"ids_N": None, "rows_N": None, "sums_N": None, "values": each}


def _ranges(program: Any, state: CompiledState) -> Iterator[tuple[int, int, int, int]]:
    """Of each size that varies, what the traced program holds for."""
    inputs = [node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs][3:]
    for number, (node, axes) in enumerate(zip(inputs, _varying(state), strict=True)):
        for axis in axes:
            told = program.range_constraints[node.meta["val"].shape[axis].node.expr]
            most = int(told.upper) if told.upper.is_Integer else sys.maxsize
            yield number, axis, int(told.lower), most
