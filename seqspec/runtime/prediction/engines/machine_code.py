"""Functions of tensors as machine code, made for this processor by torch's AOTInductor and kept in the cache.

AOTInductor: Ansel et al. (2024), "PyTorch 2: Faster Machine Learning Through Dynamic Python Bytecode
Transformation and Graph Compilation", ASPLOS.  Code is kept by what it was made from: weights, plan, threads,
processor, versions and the text of the components.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._ops import OpOverload

import seqspec.components
from seqspec.components._layers.attention import attend_by_sums
from seqspec.components.graphs import Function
from seqspec.data.store.cache import default_cache, key_of
from seqspec.data.store.durable import write_durably, writing
from seqspec.runtime.devices.machine import this_machine
from seqspec.runtime.devices.recurrence_sizes import bind_sizes
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
ON_STACK = {"aot_inductor.allow_stack_allocation": True}
"""Tensors of known sizes are no tensors of torch, where nothing of torch is called with them.  A process
follows the first code that it makes, so that all code of a model is made so or none.
"""
SMALL_PRODUCTS = Recipe({**MANY_ROWS.options, **ON_STACK, "cpp.weight_prepack": False}, {})
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
FEW_SMALL_ROWS = Recipe({**FEW_ROWS.options, **ON_STACK}, FEW_ROWS.loops)
"""The same for a small model."""
SMALL = 1 << 19
"""Parameters of a model whose products take less time than what stands around them."""
NO_TEMPLATE = "NoValidChoicesError"
"""What the compiler says of a product that it has no such code for, as of two tensors whose sizes vary."""
RANGES = "seqspec_ranges"
"""Where a package says for which sizes it holds."""
NAME = "seqspec_name"
"""Where it says how its file is called, so that none is taken for another."""
OTHERS_WRITE = 0o022


class MachineCode:
    """Code that was loaded."""

    def __init__(self, path: Path) -> None:
        self.loader = torch._C._aoti.AOTIModelPackageLoader(str(path), "model", False, 1, -1)
        told = self.loader.get_metadata()
        if told[NAME] != path.stem:
            raise ValueError(f"{path} holds the code of {told[NAME]}")
        ranges = [tuple(one) for one in json.loads(told[RANGES])]
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
    person who waits.  Of several processes that want the same, one compiles.

    Raises ``RunError`` where there is no compiler, it cannot follow the function, or the cache cannot be
    written.
    """
    made_by = {"options": dict(recipe.options), "loops": [str(one) for one in recipe.loops]}
    path = default_cache() / "compiled" / f"{key_of({'of': key, **made_by})}.pt2"
    if found := _kept(path):
        return found
    help = "set SEQSPEC_CACHE to a folder that can be written, or use `--engine torch`, the default"
    with writing(path.parent, help=help):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("a")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"seqspec: another process is compiling {what}; waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if found := _kept(path):
                return found
        if cpp_compiler() is None:
            remedy = "install g++ 10 or later or name a compiler in CXX, or "
            raise refused("it needs a C++ compiler, and there is none on this machine", remedy)
        said = f"seqspec: compiling {what} for this processor, which is kept: a minute or two"
        print(said, file=sys.stderr)
        made = _compiled(function, arguments, recipe, name=path.stem)
        with writing(path, help=help):
            write_durably(path, made)
            path.chmod(0o644)
    return MachineCode(path)


def _kept(path: Path) -> MachineCode | None:
    """What lies there, where it is sound and nobody else can have put it there: it is code that is run."""
    try:
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    why = "may have been written by another user"
    if about.st_uid in (0, os.geteuid()) and not about.st_mode & OTHERS_WRITE:
        try:
            return MachineCode(path)
        except (RuntimeError, KeyError, ValueError):
            why = "is damaged"
    print(f"seqspec: {path} {why} and is made anew", file=sys.stderr)
    return None


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
    ours = (*Path(*seqspec.components.__path__).rglob("*.py"), *Path(__file__).parent.glob("*.py"))
    for file in sorted(kinds | {str(one) for one in ours}):
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


def _compiled(function: Function, arguments: Arguments, recipe: Recipe, *, name: str) -> bytes:
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
            bind_sizes(program)
            told = {RANGES: json.dumps(list(_ranges(program))), NAME: name}
            return _packaged(program, {**recipe.options, "aot_inductor.metadata": told})
        except Exception as error:  # Whatever a tracer or a compiler makes of a model that it cannot follow.
            why = next(
                (line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__
            )
            raise refused(why[:300], "") from error


def _packaged(program: Any, options: dict[str, Any]) -> bytes:
    """The file; where the compiler lacks code for one of the products, all are oneDNN's and torch's."""
    plain = {name: value for name, value in options.items() if not name.startswith("max_autotune")}
    # Where torch puts it otherwise, processes that make the same code write over one another's.
    with TemporaryDirectory() as folder:
        path = Path(folder) / "code.pt2"
        compile = partial(torch._inductor.aoti_compile_and_package, program, package_path=str(path))
        try:
            compile(inductor_configs=options)
        except Exception as error:
            if NO_TEMPLATE not in str(error):
                raise
            compile(inductor_configs=plain)
        return path.read_bytes()


def _ranges(program: Any) -> Iterator[tuple[int, int, int, int]]:
    """Of each size that varies, what the traced program holds for."""
    inputs = [node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
    for number, node in enumerate(inputs):
        for axis, size in enumerate(node.meta["val"].shape):
            if isinstance(size, torch.SymInt):
                told = program.range_constraints[size.node.expr]
                most = int(told.upper) if told.upper.is_Integer else sys.maxsize
                yield number, axis, int(told.lower), most
