"""Jinja2's sandbox for templates of strangers, with a bound on the work that one rendering may do.

Jinja2's own sandbox keeps a template away from Python's insides, and bounds neither time nor memory: loops in
loops, doubled strings and printed trees of lists run as long as they like.  Here every step of a loop, every
call, and every text that is made costs as many units as it has characters, and a rendering that has spent
``MOST_WORK`` ends.  Filters and methods are those that templates of conversations use; others are refused.
Syntax is that of Hugging Face's templates: blocks trimmed, ``break`` and ``continue``, ``{% generation %}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any

from jinja2 import Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateAssertionError, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_WORK = 20_000_000
"""Units that a rendering may spend: about a second."""
STEP = 100
"""Units that a step costs besides the characters that it makes."""
MOST_DIGITS = 4_000
"""Bits of a whole number."""
_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "int", "items",
    "last", "length", "list", "lower", "map", "reject", "rejectattr", "reverse", "safe", "select",
    "selectattr", "sort", "string", "title", "trim", "unique", "upper",
)  # fmt: skip
_METHODS = frozenset({
    "capitalize", "count", "endswith", "find", "get", "index", "isalnum", "isalpha", "isdigit", "islower",
    "isspace", "isupper", "items", "join", "keys", "lower", "lstrip", "partition", "removeprefix",
    "removesuffix", "replace", "rfind", "rpartition", "rsplit", "rstrip", "split", "splitlines",
    "startswith", "strip", "title", "upper", "values",
})  # fmt: skip
_TOO_MUCH = "it does more work than a conversation needs"
_PLAIN = (str, list, tuple, dict, int, float)


class Work:
    """What one rendering has spent, and where its answers stand."""

    def __init__(self) -> None:
        self.spent = 0
        self.written = 0
        self.spans: list[tuple[int, int]] = []

    def spend(self, units: int) -> None:
        """Raises ``SecurityError`` where it is too much."""
        self.spent += STEP + units
        if self.spent > MOST_WORK:
            raise SecurityError(_TOO_MUCH)


WORK: ContextVar[Work] = ContextVar("work")
"""The rendering that is under way."""


class Generation(Extension):
    """``{% generation %}``: what stands in it is the assistant's."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_answer"), [], [], body).set_lineno(line)

    def _answer(self, caller: Callable[[], str]) -> str:
        text, work = str(caller()), WORK.get()
        work.spans.append((work.written, work.written + len(text)))
        return text


class Sandbox(ImmutableSandboxedEnvironment):
    """Compiles templates whose work is counted."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols], finalize=_written,
            cache_size=0,
        )  # fmt: skip
        kept = {name: partial(_metered, self.filters[name]) for name in _FILTERS}
        for name in ("map", "select", "selectattr", "reject", "rejectattr", "sort", "unique", "dictsort",
                     "first", "last", "trim"):  # fmt: skip
            kept[name] = _like(self.filters[name])
        more: dict[str, Any] = {
            "join": _join,
            "replace": _replace,
            "tojson": _tojson,
            "_each": _each,
            "_joined": _joined,
        }
        self.filters = {**kept, **more}
        self.globals = {
            "raise_exception": _refuse,
            "namespace": self.globals["namespace"],
            "dict": _dict,
            "range": _range,
        }

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            if loop.recursive:
                raise TemplateAssertionError("recursive loops are not run here", loop.lineno, name, filename)
            cost = sum(len(data.data) for data in loop.find_all(nodes.TemplateData))
            loop.iter = _filtered(loop.iter, "_each", cost)
        # A chain of `~` is a node of its own, which no hook of the sandbox sees.
        _replace_concats(tree)
        return tree.set_environment(self)  # type: ignore[return-value]

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        own = attr in _METHODS if isinstance(obj, _PLAIN) else not isinstance(obj, type(_each))
        return own and bool(super().is_safe_attribute(obj, attr, value))

    def wrap_str_format(self, value: Any) -> None:
        """A format may ask for any width, so that ``format`` is a method like others that are not known."""

    def call(self, context: Any, function: Any, *values: Any, **named: Any) -> Any:
        work, owner = WORK.get(), getattr(function, "__self__", None)
        work.spend(len(owner) if isinstance(owner, str | list | dict) else 0)
        if isinstance(function, Macro):
            work.spend(context.environment.constants)
        if isinstance(owner, str):
            _meter_text(getattr(function, "__name__", ""), owner, values, work)
        return super().call(context, function, *values, **named)

    constants = 0
    """Characters of constant text of the template, which any macro may write."""

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        WORK.get().spend(_size_of(operator, left, right))
        return super().call_binop(context, operator, left, right)


def _filtered(node: Any, name: str, *arguments: object) -> nodes.Filter:
    constants = [nodes.Const(value) for value in arguments]
    filter = nodes.Filter(node, name, constants, [], None, None)
    filter.set_lineno(node.lineno)
    return filter


def _replace_concats(node: nodes.Node) -> None:
    for child in list(node.iter_child_nodes()):
        _replace_concats(child)
    for name, value in list(node.iter_fields()):
        if isinstance(value, nodes.Concat):
            setattr(node, name, _of_concat(value))
        elif isinstance(value, list):
            value[:] = [_of_concat(one) if isinstance(one, nodes.Concat) else one for one in value]


def _of_concat(node: nodes.Concat) -> nodes.Filter:
    return _filtered(nodes.List(node.nodes).set_lineno(node.lineno), "_joined")


def _each(values: Any, cost: int) -> Iterator[Any]:
    work = WORK.get()
    for value in _iterable(values):
        work.spend(cost)
        yield value


def _iterable(values: Any) -> Iterable[Any]:
    return () if isinstance(values, Undefined) and not values else values


def _joined(values: Sequence[Any]) -> str:
    for value in values:
        weigh(value)
    return "".join(map(str, values))


def _join(values: Any, separator: Any = "", attribute: Any = None) -> str:
    if attribute is not None:
        raise SecurityError("`join` by an attribute is not done here")
    found = list(_each(values, len(str(separator))))
    return str(separator).join(_joined([value]) for value in found)


def _replace(text: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, old, new = _joined([text]), _joined([old]), _joined([new])
    _meter_text("replace", text, (old, new), WORK.get())
    found: str = text.replace(old, new, -1 if count is None else count)
    return found


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: Any = None,
    sort_keys: bool = False,
) -> str:
    weigh(value)
    if indent is not None and not 0 <= int(indent) <= 16:
        raise SecurityError("`tojson` indents by 0 to 16")
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _range(*bounds: Any) -> range:
    found = range(*bounds)
    WORK.get().spend(len(found))
    return found


def _dict(*values: Any, **named: Any) -> dict[Any, Any]:
    return dict(*values, **named)


def _refuse(message: Any) -> str:
    raise TemplateError(str(message)[:200])


def _metered(filter: Callable[..., Any], value: Any, *more: Any, **named: Any) -> Any:
    weigh(value)
    return filter(value, *more, **named)


def _like(filter: Any) -> Any:
    """The same, counted, for a filter that is handed its environment or context first."""
    from jinja2.utils import _PassArg

    passed = _PassArg.from_obj(filter)

    def metered(first: Any, *more: Any, **named: Any) -> Any:
        value = more[0] if passed is not None and more else first
        WORK.get().spend(len(value) if isinstance(value, str | list | tuple | dict | range) else 0)
        return filter(first, *more, **named)

    if passed is not None:
        metered.jinja_pass_arg = passed  # type: ignore[attr-defined]
    return metered


def _written(value: Any) -> Any:
    """What is printed, by ``finalize``: everything is charged, also what a block captures."""
    weigh(value)
    return value


def weigh(value: Any, depth: int = 0) -> None:
    """Charge what the text of a value takes; of lists in lists every time that they stand there."""
    work = WORK.get(None)
    if work is None:
        return  # constants that are folded while compiling
    work.spend(len(value) if isinstance(value, str) else 0)
    if isinstance(value, Mapping | list | tuple):
        if depth > 64:
            raise SecurityError("its lists are nested too deeply")
        for one in value.items() if isinstance(value, Mapping) else value:
            weigh(one, depth + 1)


def _size_of(operator: str, left: Any, right: Any) -> int:
    """Units that an operator costs.  Raises ``SecurityError`` for what templates do not need."""
    sized = (str, list, tuple)
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * (max(0, right) if operator == "**" else 1) + right.bit_length()
        if bits > MOST_DIGITS:
            raise SecurityError("its numbers are too large")
        return bits
    if operator == "*" and (isinstance(left, sized) or isinstance(right, sized)):
        text, times = (left, right) if isinstance(left, sized) else (right, left)
        return len(text) * max(0, int(times))
    if operator == "%" and isinstance(left, str):
        raise SecurityError("`%` on texts is not done here")
    return sum(len(side) for side in (left, right) if isinstance(side, sized))


def _meter_text(name: str, text: str, values: Sequence[Any], work: Work) -> None:
    """Charge a method of a text whose result may be longer than the text."""
    if name == "replace" and len(values) > 1:
        old, new = str(values[0]), str(values[1])
        work.spend(len(text) + (text.count(old) * len(new)))
    elif name == "join" and values:
        for one in values[0]:
            work.spend(len(text))
            weigh(one)
