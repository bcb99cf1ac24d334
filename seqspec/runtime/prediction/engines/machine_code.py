"""Functions of tensors as machine code, made for this processor by torch's AOTInductor and kept in the cache.

AOTInductor: Ansel et al. (2024), "PyTorch 2: Faster Machine Learning Through Dynamic Python Bytecode
Transformation and Graph Compilation", ASPLOS.  Code is kept by what it was made from: weights, plan, threads,
processor, versions and the text of the components.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._ops import OpOverload

import seqspec.components
from seqspec.components._layers.attention import attend_by_sums
from seqspec.components.graphs import Function
from seqspec.data.store.cache import default_cache, key_of
from seqspec.data.store.durable import write_durably
from seqspec.runtime.devices.machine import this_machine
from seqspec.runtime.devices.torch_compiler import cpp_compiler, quiet
from seqspec.schema.diagnostic import Exit, RunError


class Recipe(NamedTuple):
    """How code is made."""

    options: Mapping[str, Any]
    """AOTInductor's."""
    loops: Mapping[OpOverload, Callable[..., Tensor]]
    """What stands in place of an operation, so that the compiler writes loops for it and calls nothing."""


MANY_ROWS = Recipe({"freezing": True}, {})
"""Weights are part of the code, laid out for its products."""
SMALL_PRODUCTS = Recipe({**MANY_ROWS.options, "cpp.weight_prepack": False}, {})
"""The same by MKL.  oneDNN's are faster, but each takes 0.2 milliseconds to begin with a number of rows that
it has not met lately, as with almost every sentence.
"""
FEW_ROWS = Recipe(
    {**MANY_ROWS.options, "max_autotune": True, "max_autotune_gemm_backends": "CPP"},
    {torch.ops.aten.scaled_dot_product_attention.default: attend_by_sums},
)
"""The same for a few rows.  Products torch writes anew for each shape: of 256 by 256 they take 10
microseconds where oneDNN's takes 25; of 64 rows they take twice as long as oneDNN's.  Attention of a query
for each hypothesis takes less time than starting torch's kernel for it.
"""
SMALL = 1 << 19
"""Parameters of a model whose products take less time than what stands around them."""
NO_TEMPLATE = "NoValidChoicesError"
"""What the compiler says of a product that it has no such code for, as of two tensors whose sizes vary."""
RANGES = "seqspec_ranges"
"""Where a package says for which sizes it holds."""


class MachineCode:
    """Code that was loaded."""

    def __init__(self, path: Path) -> None:
        self.loader = torch._C._aoti.AOTIModelPackageLoader(str(path), "model", False, 1, -1)
        ranges = [tuple(one) for one in json.loads(self.loader.get_metadata()[RANGES])]
        self.bounds = [one for one in ranges if one[2] > 0 or one[3] < sys.maxsize]
        """Of each size that has bounds: the number of the tensor, its dimension, the least and the most."""

    def fits(self, given: Sequence[Tensor]) -> bool:
        """Whether the code was made for sizes such as these."""
        return not self.bounds or all(
            least <= given[number].shape[axis] <= most for number, axis, least, most in self.bounds
        )

    def __call__(self, given: list[Tensor]) -> list[Tensor]:
        """What the function gives; all tensors are contiguous.  ``given`` is empty afterwards."""
        found: list[Tensor] = self.loader.boxed_run(given)
        return found


class Arguments(NamedTuple):
    """What a function is given."""

    values: Sequence[Tensor]
    """Tensors such as it will get."""
    vary: Sequence[Sequence[int]]
    """The dimensions of each whose size may be any."""


def machine_code(
    function: Function, arguments: Arguments, *, key: str, recipe: Recipe, what: str
) -> MachineCode:
    """The code of a function, from the cache where it is there and sound; ``what`` names the function for the
    person who waits.

    Raises ``RunError`` where there is no compiler, or it cannot follow the function.
    """
    made_by = {"options": dict(recipe.options), "loops": [str(one) for one in recipe.loops]}
    path = default_cache() / "compiled" / f"{key_of({'of': key, **made_by})}.pt2"
    if path.exists():
        try:
            return MachineCode(path)
        except (RuntimeError, KeyError, ValueError):
            print(f"seqspec: {path} is damaged and is made anew", file=sys.stderr)
    print(f"seqspec: compiling {what} for this processor, which is kept: a minute or two", file=sys.stderr)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = _compiled(function, arguments, recipe)
    write_durably(path, made.read_bytes())
    made.unlink()
    return MachineCode(path)


def is_small(model: nn.Module) -> bool:
    """Whether starting the model's products and steps costs more than they do."""
    return sum(weight.numel() for weight in model.parameters()) <= SMALL


def code_key(model: nn.Module, *, plan: str, **more: str | int) -> str:
    """SHA-256 of everything that decides the code but how it is compiled."""
    weights = hashlib.sha256()
    for name, x in model.state_dict().items():
        weights.update(f"{name} {x.dtype} {tuple(x.shape)}\n".encode())
        weights.update(x.detach().contiguous().reshape(-1).view(torch.uint8).numpy())
    source = hashlib.sha256()
    kinds = {inspect.getfile(type(one)) for one in model.modules()}
    for file in sorted(kinds | {str(one) for one in Path(*seqspec.components.__path__).rglob("*.py")}):
        source.update(Path(file).read_bytes())
    return key_of(
        {
            "weights": weights.hexdigest(),
            "source": source.hexdigest(),
            "plan": plan,
            **more,
            "machine": this_machine("cpu").as_json(),
            "processor": _processor(),
        }
    )


def _processor() -> str:
    """Its name: the code is cut to fit its caches."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return os.uname().machine


def refused(why: str, remedy: str) -> RunError:
    """Why the engine cannot be used."""
    message = f"the engine `compiled` cannot be used: {why}"
    return RunError(message, exit=Exit.USAGE, help=f"{remedy}use `--engine torch`, the default")


def _compiled(function: Function, arguments: Arguments, recipe: Recipe) -> Path:
    if cpp_compiler() is None:
        raise refused(
            "it needs a C++ compiler, and there is none on this machine", "install g++ 10 or later, or "
        )
    any_size = torch.export.Dim.DYNAMIC
    shapes = {"given": tuple({axis: any_size for axis in axes} for axes in arguments.vary)}
    # The code is to serve a size of nothing and of one as well as others, whichever is met first.
    tracing: Any = torch.fx.experimental._config
    general = tracing.patch(backed_size_oblivious=True)
    with quiet(), torch.inference_mode(False), torch.no_grad(), general:
        try:
            given = tuple(x.clone() for x in arguments.values)
            program = torch.export.export(function, given, dynamic_shapes=shapes)
            if recipe.loops:
                program = program.run_decompositions(dict(recipe.loops))
            ranges = json.dumps(list(_ranges(program)))
            return Path(_packaged(program, {**recipe.options, "aot_inductor.metadata": {RANGES: ranges}}))
        except Exception as error:  # Whatever a tracer or a compiler makes of a model that it cannot follow.
            why = next(
                (line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__
            )
            raise refused(why[:300], "") from error


def _packaged(program: Any, options: dict[str, Any]) -> str:
    """The file; where the compiler lacks code for one of the products, all are oneDNN's and torch's."""
    try:
        return str(torch._inductor.aoti_compile_and_package(program, inductor_configs=options))
    except Exception as error:
        if NO_TEMPLATE not in str(error):
            raise
    plain = {name: value for name, value in options.items() if not name.startswith("max_autotune")}
    return str(torch._inductor.aoti_compile_and_package(program, inductor_configs=plain))


def _ranges(program: Any) -> Iterator[tuple[int, int, int, int]]:
    """Of each size that varies, what the traced program holds for."""
    inputs = [node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
    for number, node in enumerate(inputs):
        for axis, size in enumerate(node.meta["val"].shape):
            if isinstance(size, torch.SymInt):
                told = program.range_constraints[size.node.expr]
                most = int(told.upper) if told.upper.is_Integer else sys.maxsize
                yield number, axis, int(told.lower), most
